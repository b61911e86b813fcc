import { type Result, ok } from '../../../base/result.ts';
import { type Point, group } from '../../../crypto/group/group.ts';
import {
  polynomialText,
  rawPolynomialText,
  secretText,
  signedMessageText,
  vinputText,
} from '../encoding/ceremony.ts';
import { pointText } from '../encoding/elements.ts';
import { problemText } from '../encoding/problem.ts';
import { decodeCoefexps, encodeCertificatesAndCoefexps, encodeCoefexps } from '../encoding/trustees.ts';
import type { Proof, SignedMessage } from '../messages.ts';
import type { Random } from '../proofs.ts';
import { type MemberSecrets, isSigned, signMessage } from '../signed-message.ts';
import { type Certificate, type Certificates, type Shape, certificateOf } from './certificates.ts';
import { send } from './channel.ts';
import { readEncrypted } from './encrypted-message.ts';
import { type Fault, fault } from './fault.ts';
import type { PolynomialMessage } from './messages.ts';
import {
  commitments,
  committedValueFor,
  randomPolynomial,
  sumOfCommitments,
  valueFor,
} from './secret-sharing.ts';

/** A trustee's polynomial message (4.6.4), found sound as far as can be seen without a trustee's secrets. */
export interface SoundPolynomial {
  readonly text: string;
  readonly message: PolynomialMessage;
  readonly coefexps: readonly Point[];
}

/** Makes a polynomial message (4.6.4) for certificates that were checked, `own` among them. */
export function makePolynomial(
  secrets: MemberSecrets,
  certificates: Certificates,
  own: Certificate,
  random: Random,
): string {
  const { signing } = secrets;
  const polynomial = randomPolynomial(certificates.shape.threshold, random);
  const coefexps = commitments(polynomial);
  return polynomialText.encode({
    polynomial: send(signing, own.encryption, rawPolynomialText.encode(polynomial), random),
    secrets: certificates.all.map(({ encryption }, at) =>
      send(signing, encryption, secretText.encode(valueFor(at + 1, polynomial)), random),
    ),
    coefexps: signMessage(signing, encodeCoefexps(coefexps), random),
    signature: signMessage(signing, certificatesSigned(certificates, coefexps), random).signature,
  });
}

function certificatesSigned({ all }: Certificates, coefexps: readonly Point[]): string {
  const certs = all.map(({ signed }) => signed);
  return `certs_sig|${encodeCertificatesAndCoefexps(certs, coefexps)}`;
}

/** Checks a trustee's coefexps and its signature of them and of all certificates (4.6.4). */
export function checkCoefexps(
  certificates: Certificates,
  index: number,
  coefexps: SignedMessage,
  signature: Proof,
): Result<readonly Point[], Fault> {
  const { threshold } = certificates.shape;
  const { verification } = certificateOf(certificates, index);
  const evidence = [signedMessageText.encode(coefexps)];
  if (!isSigned(verification, coefexps.message, coefexps.signature))
    return fault(
      'bad-signature',
      [index],
      'delivery',
      'the coefexps are not signed by the trustee',
      evidence,
    );
  const points = decodeCoefexps(coefexps.message);
  if (!points.ok)
    return fault(
      'bad-coefexps',
      [index],
      'signature',
      `the coefexps can't be read: ${problemText(points.error)}`,
      evidence,
    );
  if (points.value.length !== threshold)
    return fault(
      'wrong-count',
      [index],
      'signature',
      `${points.value.length} coefexps for a threshold of ${threshold}`,
      evidence,
    );
  // Belenios writes it so; any other spelling could have any length, and make other messages too long to be read.
  if (encodeCoefexps(points.value) !== coefexps.message)
    return fault('bad-coefexps', [index], 'signature', 'the coefexps are not in their one form', evidence);
  return isSigned(verification, certificatesSigned(certificates, points.value), signature)
    ? points
    : fault(
        'other-certificates',
        [index],
        'delivery',
        'the signature is not one of these certificates with these coefexps',
        evidence,
      );
}

/** Characters of an encrypted secret, twice as many as one has; and of a polynomial of 20 coefficients. */
const MOST_FOR_ANOTHER = 2500;
const MOST_FOR_ITSELF = 8000;

/** Checks a polynomial message as it arrives (4.6.4): all but what the secrets say, which only their recipients can read. */
export function checkPolynomial(
  certificates: Certificates,
  index: number,
  text: string,
): Result<SoundPolynomial, Fault> {
  const refuse = (offence: Fault['offence'], reason: string) =>
    fault(offence, [index], 'delivery', reason, [text]);
  const read = polynomialText.decode(text);
  if (!read.ok) return refuse('malformed', `the polynomial can't be read: ${problemText(read.error)}`);
  const message = read.value;
  const coefexps = checkCoefexps(certificates, index, message.coefexps, message.signature);
  if (!coefexps.ok) return coefexps;
  const { size } = certificates.shape;
  if (message.secrets.length !== size)
    return refuse('wrong-count', `${message.secrets.length} secrets for ${size} trustees`);
  for (const [at, encrypted] of [message.polynomial, ...message.secrets].entries()) {
    const part = readEncrypted(encrypted);
    const what = at === 0 ? 'the polynomial for itself' : `the secret for trustee ${at}`;
    if (!part.ok) return refuse('not-encrypted', `${what}: ${problemText(part.error)}`);
    if (encrypted.length > (at === 0 ? MOST_FOR_ITSELF : MOST_FOR_ANOTHER))
      return refuse('not-encrypted', `${what} is longer than any that a program makes`);
  }
  return ok({ text, message, coefexps: coefexps.value });
}

/** Step 4: what each trustee gets to see (4.6.5), by index, from the polynomials of all. */
export function vinputsOf(polynomials: readonly SoundPolynomial[]): string[] {
  const messages = polynomials.map(({ message }) => message);
  return messages.map(({ polynomial }, at) =>
    vinputText.encode({
      polynomial,
      secrets: messages.map(({ secrets }) => secrets[at] ?? ''),
      coefexps: messages.map(({ coefexps }) => coefexps),
      signatures: messages.map(({ signature }) => signature),
    }),
  );
}

/** The verification key that each trustee will have (4.6.6), by index, from everybody's coefexps. */
export function verificationKeysOf(
  { size }: Shape,
  coefexps: readonly (readonly Point[])[],
): readonly Point[] {
  const total = sumOfCommitments(coefexps);
  return Array.from({ length: size }, (_, at) => committedValueFor(at + 1, total));
}

/**
 * What makes the group weaker than its threshold: a share of no worth, or one in two places although more than one is needed. By chance neither
 * happens. Nobody is accused: whoever sends coefexps last can choose them so that it looks as if another had aimed at it. Who did that does not know its
 * own polynomial, and can't send the secrets that belong to it: therefore this is looked at only after the secrets were.
 */
export function weaknessOf(
  { threshold }: Shape,
  keys: readonly Point[],
  evidence: readonly string[],
): Fault | undefined {
  const weak = (reason: string): Fault => ({
    offence: 'weak-share',
    accused: [],
    proven: 'delivery',
    reason,
    evidence,
  });
  if (keys.some((key) => group.isIdentity(key))) return weak('a share would be zero');
  return threshold > 1 && new Set(keys.map(pointText)).size < keys.length
    ? weak('two trustees would have one share')
    : undefined;
}
