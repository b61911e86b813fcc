import { type Result, err, ok } from '../../../base/result.ts';
import { equalBytes } from '../../../base/bytes.ts';
import { type Point, group } from '../../../crypto/group/group.ts';
import { certificateListText, signedMessageText } from '../encoding/ceremony.ts';
import { pointText } from '../encoding/elements.ts';
import { dataHash } from '../encoding/hashes.ts';
import { problemText } from '../encoding/problem.ts';
import { decodeCertificateKeys, encodeCertificateKeys } from '../encoding/trustees.ts';
import { GROUP_NAME, type SignedMessage } from '../messages.ts';
import type { Random } from '../proofs.ts';
import { type MemberSecrets, isSigned, signMessage } from '../signed-message.ts';
import { type Fault, fault } from './fault.ts';

/** Trustees of one ceremony. Its messages grow with the square of their number. */
export const MAX_CEREMONY_SIZE = 20;

/** What a ceremony is to make: a key for which `threshold` of `size` trustees are needed and enough. */
export interface Shape {
  readonly threshold: number;
  readonly size: number;
}

/** A shape that a ceremony can have: 1 ≤ threshold ≤ size ≤ 20. The error says what is wrong. */
export function ceremonyShape(threshold: number, size: number): Result<Shape, string> {
  if (!Number.isInteger(size) || size < 1 || size > MAX_CEREMONY_SIZE)
    return err(`a ceremony has 1 to ${MAX_CEREMONY_SIZE} trustees`);
  if (!Number.isInteger(threshold) || threshold < 1 || threshold > size)
    return err(`the threshold is at least 1 and at most the number of trustees, ${size}`);
  return ok({ threshold, size });
}

/** A trustee's certificate (4.6.2), found sound by itself. */
export interface Certificate {
  readonly signed: SignedMessage;
  readonly verification: Point;
  readonly encryption: Point;
}

/** The certificates of all trustees, by index, found sound together. */
export interface Certificates {
  readonly shape: Shape;
  readonly all: readonly Certificate[];
}

/** Step 1 of a trustee: its certificate (4.6.2) for the place with this index, from 1. */
export function makeCertificate(secrets: MemberSecrets, shape: Shape, index: number, random: Random): string {
  const message = encodeCertificateKeys({
    context: { group: GROUP_NAME, size: shape.size, threshold: shape.threshold, index },
    verification: group.multiplyBase(secrets.signing),
    encryption: group.multiplyBase(secrets.decryption),
  });
  return signedMessageText.encode(signMessage(secrets.signing, message, random));
}

/** Checks a certificate by itself (4.6.2): its form, its context, its keys and its signature. */
export function checkCertificate(shape: Shape, index: number, text: string): Result<Certificate, Fault> {
  const refuse = (offence: Fault['offence'], reason: string) =>
    fault(offence, [index], 'delivery', reason, [text]);
  const signed = signedMessageText.decode(text);
  if (!signed.ok) return refuse('malformed', `the certificate can't be read: ${problemText(signed.error)}`);
  const { message, signature } = signed.value;
  const keys = decodeCertificateKeys(message);
  if (!keys.ok) return refuse('malformed', `the certificate can't be read: ${problemText(keys.error)}`);
  const { context, verification, encryption } = keys.value;
  if (context.group !== GROUP_NAME) return refuse('wrong-group', 'the certificate is for another group');
  if (context.size !== shape.size)
    return refuse('wrong-size', `the certificate is for ${context.size} trustees, not ${shape.size}`);
  if (context.threshold !== shape.threshold)
    return refuse(
      'wrong-threshold',
      `the certificate is for a threshold of ${context.threshold}, not ${shape.threshold}`,
    );
  if (context.index !== index)
    return refuse('wrong-place', `the certificate is for trustee ${context.index}, not ${index}`);
  if (group.isIdentity(verification) || group.isIdentity(encryption))
    return refuse('neutral-key', 'a key of the certificate is the neutral element');
  if (!isSigned(verification, message, signature))
    return refuse('bad-signature', 'the certificate is not signed with its own key');
  // Belenios writes it so; any other spelling could have any length.
  if (encodeCertificateKeys(keys.value) !== message)
    return refuse('malformed', 'what the certificate signs is not in its one form');
  return ok({ signed: signed.value, verification, encryption });
}

/**
 * Checks that no key occurs twice among certificates, which may still be some of all. Who has a copy can't be told from who was copied: both
 * are accused.
 */
export function checkDistinct(certificates: ReadonlyMap<number, Certificate>): Result<void, Fault> {
  const seen = new Map<string, number>();
  for (const [index, { verification, encryption }] of certificates) {
    for (const key of [verification, encryption].map(pointText)) {
      const other = seen.get(key);
      if (other !== undefined) {
        const evidence = [other, index].flatMap((at) => {
          const certificate = certificates.get(at);
          return certificate === undefined ? [] : [signedMessageText.encode(certificate.signed)];
        });
        const accused = other === index ? [index] : [other, index];
        return fault('same-key', accused, 'delivery', 'one key in two places', evidence);
      }
      seen.set(key, index);
    }
  }
  return ok(undefined);
}

/** Step 2, and the first check of each trustee's later steps: all certificates, by index, each by itself and all together. */
export function checkCertificates(shape: Shape, texts: readonly string[]): Result<Certificates, Fault> {
  if (texts.length !== shape.size)
    return fault('wrong-count', [], 'delivery', `${texts.length} certificates, not ${shape.size}`, texts);
  const all: Certificate[] = [];
  for (const [at, text] of texts.entries()) {
    const checked = checkCertificate(shape, at + 1, text);
    if (!checked.ok) return checked;
    all.push(checked.value);
  }
  const distinct = checkDistinct(new Map(all.map((certificate, at) => [at + 1, certificate])));
  return distinct.ok ? ok({ shape, all }) : distinct;
}

/** Checks that a trustee's own certificate is in its place. Nobody is accused but who delivered the list. */
export function checkOwnPlace(
  { all }: Certificates,
  index: number,
  secrets: MemberSecrets,
): Result<Certificate, Fault> {
  const own = all[index - 1];
  if (
    own !== undefined &&
    equalBytes(own.verification, group.multiplyBase(secrets.signing)) &&
    equalBytes(own.encryption, group.multiplyBase(secrets.decryption))
  )
    return ok(own);
  const evidence = own === undefined ? [] : [signedMessageText.encode(own.signed)];
  return fault(
    'wrong-place',
    [],
    'delivery',
    'the certificate in the own place is not the own one',
    evidence,
  );
}

/** The certificate with an index that is known to be one of theirs. Throws RangeError for any other. */
export function certificateOf({ all }: Certificates, index: number): Certificate {
  const certificate = all[index - 1];
  if (certificate === undefined) throw new RangeError(`there is no trustee ${index}`);
  return certificate;
}

/** What a ceremony goes by: the hash of all certificates as a JSON list, in hexadecimal. No two ceremonies have the same. */
export function ceremonyName({ all }: Certificates): string {
  return dataHash(certificateListText.encode(all.map(({ signed }) => signed)));
}
