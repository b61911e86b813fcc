import { equalBytes } from '../../../base/bytes.ts';
import { type Result, err, ok } from '../../../base/result.ts';
import { type Point, type Scalar, group } from '../../../crypto/group/group.ts';
import { rawPolynomialText, shareText, signedMessageText, vinputText } from '../encoding/ceremony.ts';
import { problemText } from '../encoding/problem.ts';
import type { Random } from '../proofs.ts';
import type { MemberSecrets } from '../signed-message.ts';
import {
  type Certificate,
  type Certificates,
  type Shape,
  checkCertificates,
  checkOwnPlace,
  makeCertificate,
} from './certificates.ts';
import { receive } from './channel.ts';
import { readEncrypted, sharedPoint } from './encrypted-message.ts';
import { type Fault, fault } from './fault.ts';
import type { Vinput } from './messages.ts';
import { checkCoefexps, makePolynomial, verificationKeysOf, weaknessOf } from './polynomials.ts';
import { commitments } from './secret-sharing.ts';
import { judgeSecret } from './secrets.ts';
import { makeVoutput } from './voutputs.ts';

/**
 * A trustee's steps (specification, section 3.1.1 and 4.6). Each is a function of the trustee's secrets, of what was agreed on and of what
 * arrived: nothing has to be kept from one to the next but the seed. A step done again gives another message that is as good, but only
 * one may ever be sent: two polynomials of one trustee convict it.
 */

/** A trustee's place in a ceremony, as agreed on beforehand, and its secrets (`memberSecrets` of its seed). */
export interface Seat {
  readonly secrets: MemberSecrets;
  readonly shape: Shape;
  /** From 1. */
  readonly index: number;
}

/** Step 1: the certificate (4.6.2). */
export function firstStep({ secrets, shape, index }: Seat, random: Random): string {
  return makeCertificate(secrets, shape, index, random);
}

/** Step 3: the polynomial message (4.6.4), once all certificates, by index, were checked. The fault is the first one found. */
export function thirdStep(
  seat: Seat,
  certificates: readonly string[],
  random: Random,
): Result<string, Fault> {
  const taken = takeCertificates(seat, certificates);
  return taken.ok
    ? ok(makePolynomial(seat.secrets, taken.value.certificates, taken.value.own, random))
    : taken;
}

/**
 * Step 5: the voutput (4.6.6), once the vinput was checked. The faults are of one kind: what every trustee can see is checked before what was
 * encrypted for this one, of which all faults are given. For a faulty secret there is `complain`. `name` is what the trustee goes by.
 */
export function fifthStep(
  seat: Seat,
  certificates: readonly string[],
  vinput: string,
  random: Random,
  name?: string,
): Result<string, readonly Fault[]> {
  const input = takeVinput(seat, certificates, vinput);
  if (!input.ok) return err([input.error]);
  const faults: Fault[] = [];
  const received: Scalar[] = [];
  for (const [at] of input.value.certificates.all.entries()) {
    const secret = secretFrom(seat, input.value, at + 1);
    if (secret.ok) received.push(secret.value);
    else faults.push(secret.error);
  }
  if (faults.length > 0) return err(faults);
  const { message, coefexps } = input.value;
  const weak = weaknessOf(
    seat.shape,
    verificationKeysOf(seat.shape, coefexps),
    message.coefexps.map((signed) => signedMessageText.encode(signed)),
  );
  if (weak !== undefined) return err([weak]);
  return ok(makeVoutput(seat.secrets, group.sumScalars(received), random, name));
}

/**
 * A trustee's share, to decrypt with (4.20): from what it encrypted for itself in its voutput, when that belongs to its public key. The
 * error has nothing of the share in it.
 */
export function openShare(
  { signing, decryption }: MemberSecrets,
  privateKey: string,
  publicKey: Point,
): Result<Scalar, string> {
  const encrypted = readEncrypted(privateKey);
  if (!encrypted.ok) return err(`the encrypted share can't be read: ${problemText(encrypted.error)}`);
  const opened = receive(sharedPoint(decryption, encrypted.value), encrypted.value, {
    sender: group.multiplyBase(signing),
    recipient: group.multiplyBase(decryption),
  });
  if (!opened.ok) return err('the encrypted share is not one of this seed');
  const share = shareText.decode(opened.value);
  if (!share.ok) return err('what is encrypted is not a share');
  return equalBytes(group.multiplyBase(share.value), publicKey)
    ? share
    : err("the share is not that of the trustee's public key");
}

/** What a trustee got before step 5, checked but for the secrets. */
export interface CheckedVinput {
  readonly certificates: Certificates;
  readonly own: Certificate;
  readonly message: Vinput;
  /** Everybody's, by index. */
  readonly coefexps: readonly (readonly Point[])[];
}

/**
 * Checks a vinput (4.6.5) but for the secrets: everybody signed these certificates, and the own coefexps are those of the own polynomial.
 * Since nothing is kept since step 3, the latter is what shows that the certificates are still the same.
 */
export function takeVinput(
  seat: Seat,
  texts: readonly string[],
  vinput: string,
): Result<CheckedVinput, Fault> {
  const taken = takeCertificates(seat, texts);
  if (!taken.ok) return taken;
  const { certificates, own } = taken.value;
  const read = vinputText.decode(vinput);
  if (!read.ok)
    return fault('malformed', [], 'delivery', `the vinput can't be read: ${problemText(read.error)}`, [
      vinput,
    ]);
  const message = read.value;
  if (
    [message.secrets, message.coefexps, message.signatures].some(({ length }) => length !== seat.shape.size)
  )
    return fault('wrong-count', [], 'delivery', 'not one part from each trustee', [vinput]);
  const coefexps: (readonly Point[])[] = [];
  for (const [at, signed] of message.coefexps.entries()) {
    const signature = message.signatures[at];
    if (signature === undefined) throw new RangeError('the number of signatures was checked');
    const checked = checkCoefexps(certificates, at + 1, signed, signature);
    // What the trustee itself signed can only be wrong here by what came with it.
    if (!checked.ok) return at + 1 === seat.index ? err({ ...checked.error, accused: [] }) : checked;
    coefexps.push(checked.value);
  }
  if (!isOwnPolynomial(seat, own, message.polynomial, coefexps[seat.index - 1] ?? []))
    return fault(
      'not-own-polynomial',
      [],
      'delivery',
      'the own polynomial, or the coefexps in the own place, are not the own ones',
      [vinput],
    );
  return ok({ certificates, own, message, coefexps });
}

/** What a trustee sent to this one, when it is what its coefexps say. */
export function secretFrom(seat: Seat, input: CheckedVinput, sender: number): Result<Scalar, Fault> {
  const encrypted = input.message.secrets[sender - 1] ?? '';
  const coefexps = input.message.coefexps[sender - 1];
  if (coefexps === undefined) throw new RangeError(`there is no trustee ${sender}`);
  const evidence = [signedMessageText.encode(coefexps), encrypted];
  const message = readEncrypted(encrypted);
  if (!message.ok) return fault('not-encrypted', [sender], 'delivery', problemText(message.error), evidence);
  return judgeSecret({
    certificates: input.certificates,
    sender,
    recipient: seat.index,
    shared: sharedPoint(seat.secrets.decryption, message.value),
    message: message.value,
    coefexps: input.coefexps[sender - 1] ?? [],
    evidence,
  });
}

function takeCertificates(
  { secrets, shape, index }: Seat,
  texts: readonly string[],
): Result<{ readonly certificates: Certificates; readonly own: Certificate }, Fault> {
  const certificates = checkCertificates(shape, texts);
  if (!certificates.ok) return certificates;
  const own = checkOwnPlace(certificates.value, index, secrets);
  return own.ok ? ok({ certificates: certificates.value, own: own.value }) : own;
}

function isOwnPolynomial(
  { secrets }: Seat,
  own: Certificate,
  encrypted: string,
  coefexps: readonly Point[],
): boolean {
  const message = readEncrypted(encrypted);
  if (!message.ok) return false;
  const opened = receive(sharedPoint(secrets.decryption, message.value), message.value, {
    sender: own.verification,
    recipient: own.encryption,
  });
  if (!opened.ok) return false;
  const polynomial = rawPolynomialText.decode(opened.value);
  if (!polynomial.ok || polynomial.value.length !== coefexps.length) return false;
  return commitments(polynomial.value).every((point, power) => {
    const stated = coefexps[power];
    return stated !== undefined && equalBytes(point, stated);
  });
}
