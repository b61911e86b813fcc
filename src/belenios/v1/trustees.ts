import { type Result, err, ok } from '../../base/result.ts';
import { equalBytes } from '../../base/bytes.ts';
import { type Point, type Scalar, group, scalarFromBigInt } from '../../crypto/group/group.ts';
import { pointText } from './encoding/elements.ts';
import { decodeCertificateKeys, decodeCoefexps, encodeCertificatesAndCoefexps } from './encoding/trustees.ts';
import { GROUP_NAME, type ThresholdParameters, type Trustee, type TrusteePublicKey } from './messages.ts';
import { type Random, challengeOf, commitment, proofFor } from './proofs.ts';
import { isSigned } from './signed-message.ts';

/** A single trustee's key pair with the proof that whoever publishes the key knows the secret (4.5). */
export interface TrusteeKeys {
  readonly secret: Scalar;
  readonly publicKey: TrusteePublicKey;
}

export function generateTrustee(random: Random): TrusteeKeys {
  const secret = group.randomScalar(random);
  return { secret, publicKey: trusteePublicKey(secret, random) };
}

/** The public key of a single trustee's secret, with the proof of knowing it (4.5) and the name that the trustee goes by. */
export function trusteePublicKey(secret: Scalar, random: Random, name?: string): TrusteePublicKey {
  const publicKey = group.multiplyBase(secret);
  const w = group.randomScalar(random);
  const challenge = challengeOf(knowledgeText(publicKey, group.multiplyBase(w)));
  return { pok: proofFor(w, secret, challenge), publicKey, ...(name === undefined ? {} : { name }) };
}

/** What the trustees of an election make together. */
export interface TrusteeSet {
  /** The election's public key. */
  readonly publicKey: Point;
  /** Each trustee's own, by owner number: the first is owner 1. */
  readonly keys: readonly Point[];
}

/** Checks every key, proof, certificate and signature of the trustees (4.5 to 4.7). The error names the trustee and the fault. */
export function verifyTrustees(trustees: readonly Trustee[]): Result<TrusteeSet, string> {
  if (trustees.length === 0) return err('there is no trustee');
  const keys: Point[] = [];
  const parts: Point[] = [];
  for (const trustee of trustees) {
    const owner = keys.length + 1;
    if (trustee.kind === 'Single') {
      if (!knowsSecret(trustee.key))
        return err(`trustee ${owner}: the proof of knowing the secret key does not hold`);
      keys.push(trustee.key.publicKey);
      parts.push(trustee.key.publicKey);
      continue;
    }
    const key = verifyThreshold(trustee.parameters);
    if (!key.ok) return err(`trustees from ${owner} on: ${key.error}`);
    keys.push(...trustee.parameters.verificationKeys.map(({ publicKey }) => publicKey));
    parts.push(key.value);
  }
  return ok({ publicKey: group.sum(parts), keys });
}

/**
 * What is wrong with a trustee's key among all, each of which is sound by itself; undefined for nothing. `keys` are those of `verifyTrustees`. The neutral
 * element's secret is known to everybody; and one key in two places would let one trustee stand in for two, but within a group of
 * which one member is enough all have one key of necessity.
 */
export function unsoundKey(trustees: readonly Trustee[], keys: readonly Point[]): string | undefined {
  const seen = new Map<string, number>();
  let before = 0;
  for (const trustee of trustees) {
    const members = keys.slice(before, before + membersOf(trustee));
    for (const [at, key] of members.entries()) {
      const owner = before + at + 1;
      if (group.isIdentity(key)) return `the key of trustee ${owner} is the neutral element`;
      const other = seen.get(pointText(key));
      if (other !== undefined && !(other > before && anyMemberIsEnough(trustee)))
        return `trustees ${other} and ${owner} have the same key`;
      seen.set(pointText(key), owner);
    }
    before += members.length;
  }
  return undefined;
}

/** How many of the owner numbers are a trustee's, or a group's. */
export function membersOf(trustee: Trustee): number {
  return trustee.kind === 'Single' ? 1 : trustee.parameters.verificationKeys.length;
}

function anyMemberIsEnough(trustee: Trustee): boolean {
  return trustee.kind === 'Pedersen' && trustee.parameters.threshold === 1;
}

function knowledgeText(key: Point, committed: Point): string {
  return `pok|${GROUP_NAME}|${pointText(key)}|${pointText(committed)}`;
}

function knowsSecret({ pok, publicKey }: TrusteePublicKey): boolean {
  const text = knowledgeText(publicKey, commitment(group.generator, publicKey, pok));
  return equalBytes(challengeOf(text), pok.challenge);
}

/** The public key that a threshold group makes together (4.6.4), when its transcript holds. */
function verifyThreshold(parameters: ThresholdParameters): Result<Point, string> {
  const { threshold, certs, coefexps, signatures, verificationKeys } = parameters;
  const size = certs.length;
  if ([coefexps, signatures, verificationKeys].some(({ length }) => length !== size))
    return err(`${size} certificates, and another number of coefficients, signatures or keys`);
  if (threshold < 1 || threshold > size) return err(`a threshold of ${threshold} of ${size}`);
  const coefficients: (readonly Point[])[] = [];
  const signers: Point[] = [];
  for (const [at, cert] of certs.entries()) {
    const checked = verifyMember(parameters, at, cert);
    if (!checked.ok) return err(`member ${at + 1}: ${checked.error}`);
    coefficients.push(checked.value.coefficients);
    signers.push(checked.value.signer);
  }
  // Of the sum of all polynomials: a hostile list of thousands of members costs one product per coefficient and member.
  const totals = Array.from({ length: threshold }, (_, power) =>
    group.sum(coefficients.map((own) => own[power] ?? group.identity)),
  );
  for (const [at, key] of verificationKeys.entries()) {
    const index = scalarFromBigInt(BigInt(at + 1));
    const expected = totals.reduceRight((sum, point) => group.add(group.multiply(index, sum), point));
    if (!equalBytes(expected, key.publicKey))
      return err(`member ${at + 1}: the key is not the one that the coefficients give`);
    const signer = signers[at];
    // The coefficients prove the key already; the signature (4.5) says that its owner stands by it.
    if (
      signer !== undefined &&
      key.signature !== undefined &&
      !isSigned(signer, pointText(key.publicKey), key.signature)
    )
      return err(`member ${at + 1}: the key is not signed by its owner`);
    if (!knowsSecret(key))
      return err(`member ${at + 1}: the proof of knowing the secret share does not hold`);
  }
  // Such a group decrypts nothing: its members would be there for show.
  const [key = group.identity] = totals;
  return group.isIdentity(key) ? err('the key of the group is the neutral element') : ok(key);
}

function verifyMember(
  { threshold, certs, coefexps, signatures }: ThresholdParameters,
  at: number,
  cert: ThresholdParameters['certs'][number],
): Result<{ readonly signer: Point; readonly coefficients: readonly Point[] }, string> {
  const [coefexp, signature] = [coefexps[at], signatures[at]];
  if (coefexp === undefined || signature === undefined) return err('its coefficients are missing');
  const keys = decodeCertificateKeys(cert.message);
  if (!keys.ok) return err('its certificate can not be read');
  const own = decodeCoefexps(coefexp.message);
  if (!own.ok) return err('its coefficients can not be read');
  const { context, verification } = keys.value;
  const isOwn =
    context.group === GROUP_NAME &&
    context.size === certs.length &&
    context.threshold === threshold &&
    context.index === at + 1;
  if (!isOwn) return err('its certificate is for another place or group');
  if (own.value.length !== threshold)
    return err(`${own.value.length} coefficients for a threshold of ${threshold}`);
  if (!isSigned(verification, cert.message, cert.signature))
    return err('its certificate is not signed by its key');
  if (!isSigned(verification, coefexp.message, coefexp.signature))
    return err('its coefficients are not signed by its key');
  const all = `certs_sig|${encodeCertificatesAndCoefexps(certs, own.value)}`;
  return isSigned(verification, all, signature)
    ? ok({ signer: verification, coefficients: own.value })
    : err('its signature of all certificates does not hold');
}
