import { equalBytes } from '../../../base/bytes.ts';
import { type Result, ok } from '../../../base/result.ts';
import { type Point, type Scalar, group } from '../../../crypto/group/group.ts';
import { shareText, voutputText } from '../encoding/ceremony.ts';
import { pointText } from '../encoding/elements.ts';
import { problemText } from '../encoding/problem.ts';
import type { Random } from '../proofs.ts';
import { type MemberSecrets, isSigned, signMessage } from '../signed-message.ts';
import { trusteePublicKey, verifyTrustees } from '../trustees.ts';
import { type Certificates, certificateOf } from './certificates.ts';
import { send } from './channel.ts';
import { readEncrypted } from './encrypted-message.ts';
import { type Fault, fault } from './fault.ts';
import type { Voutput } from './messages.ts';

/** A voutput (4.6.6) that was checked. */
export interface SoundVoutput {
  readonly text: string;
  readonly message: Voutput;
}

/** Makes a voutput (4.6.6) for a share; `name` is what the trustee wants to go by, which nothing signs. */
export function makeVoutput(secrets: MemberSecrets, share: Scalar, random: Random, name?: string): string {
  const { signing, decryption } = secrets;
  const key = trusteePublicKey(share, random, name);
  const { signature } = signMessage(signing, pointText(key.publicKey), random);
  return voutputText.encode({
    privateKey: send(signing, group.multiplyBase(decryption), shareText.encode(share), random),
    publicKey: { ...key, signature },
  });
}

/** Characters, twice as many as an encrypted share has. */
const MOST_ENCRYPTED = 2500;

/** Checks a voutput as it arrives (4.6.6), `expected` being the key that the coefexps give. */
export function checkVoutput(
  certificates: Certificates,
  index: number,
  expected: Point,
  text: string,
): Result<SoundVoutput, Fault> {
  const refuse = (offence: Fault['offence'], reason: string, proven: Fault['proven'] = 'delivery') =>
    fault(offence, [index], proven, reason, [text]);
  const read = voutputText.decode(text);
  if (!read.ok) return refuse('malformed', `the voutput can't be read: ${problemText(read.error)}`);
  const { publicKey: key, privateKey } = read.value;
  const { verification } = certificateOf(certificates, index);
  const signed =
    key.signature !== undefined && isSigned(verification, pointText(key.publicKey), key.signature);
  if (!equalBytes(key.publicKey, expected))
    return refuse(
      'wrong-verification-key',
      'the key is not the one that the coefexps give',
      signed ? 'signature' : 'delivery',
    );
  if (!signed) return refuse('unsigned-key', 'the key is not signed by the trustee');
  if (!verifyTrustees([{ kind: 'Single', key }]).ok)
    return refuse('wrong-proof', 'the proof of knowing the share does not hold');
  const encrypted = readEncrypted(privateKey);
  if (!encrypted.ok)
    return refuse('not-encrypted', `the encrypted share can't be read: ${problemText(encrypted.error)}`);
  if (privateKey.length > MOST_ENCRYPTED)
    return refuse('not-encrypted', 'the encrypted share is longer than any that a program makes');
  return ok({ text, message: read.value });
}
