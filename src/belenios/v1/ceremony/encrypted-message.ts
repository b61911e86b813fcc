import { fromHex, toHex, utf8ToBytes } from '../../../base/bytes.ts';
import { type Result, err } from '../../../base/result.ts';
import { decryptAesCcm, decryptAesGcm, encryptAesCcm } from '../../../crypto/cipher.ts';
import { type Point, type Scalar, group } from '../../../crypto/group/group.ts';
import { sha256 } from '../../../crypto/hash.ts';
import { encryptedMessageText } from '../encoding/ceremony.ts';
import { pointText } from '../encoding/elements.ts';
import type { DecodeProblem } from '../encoding/problem.ts';
import type { Random } from '../proofs.ts';
import type { EncryptedMessage } from './messages.ts';

/**
 * Public-key encryption of texts (4.6.1): ElGamal of a random point, whose hash is the key of an AES encryption. Written is the form
 * of Belenios 3.0: AES-CCM, no field `algorithm`. Read are that and the form of 3.1 and later: `"algorithm":"AES-GCM"`.
 */
const CCM_NONCE_BYTES = 13;
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Encrypts a text for the owner of an encryption key (4.6.1); the text of the encrypted message. */
export function encryptText(recipient: Point, plaintext: string, random: Random): string {
  const r = group.randomScalar(random);
  const seal = group.multiplyBase(group.randomScalar(random));
  const alpha = group.multiplyBase(r);
  const beta = group.add(group.multiply(r, recipient), seal);
  const nonce = hashedNonce(alpha).subarray(0, CCM_NONCE_BYTES);
  const data = toHex(encryptAesCcm(hashedKey(seal), nonce, utf8ToBytes(plaintext)));
  return encryptedMessageText.encode({ alpha, beta, data });
}

/** Reads an encrypted message without opening it. The problem is `unsupported` for an algorithm that isn't known here. */
export function readEncrypted(source: string): Result<EncryptedMessage, DecodeProblem> {
  const read = encryptedMessageText.decode(source);
  if (!read.ok) return read;
  const { algorithm, data } = read.value;
  if (algorithm !== undefined && algorithm !== 'AES-CCM' && algorithm !== 'AES-GCM')
    return err({ kind: 'unsupported', path: 'algorithm', message: 'neither AES-CCM nor AES-GCM' });
  if (fromHex(data) === undefined)
    return err({ kind: 'malformed', path: 'data', message: 'not bytes in hexadecimal digits' });
  return read;
}

/** What only the recipient can compute of a message (dk·alpha), and what alone is needed to open it. */
export function sharedPoint(decryption: Scalar, { alpha }: EncryptedMessage): Point {
  return group.multiply(decryption, alpha);
}

/** The text of an encrypted message (4.6.1); undefined when `shared` is not its shared point, or the message was changed. */
export function openEncrypted(shared: Point, message: EncryptedMessage): string | undefined {
  const { algorithm, alpha, beta, data } = message;
  const ciphertext = fromHex(data);
  if (ciphertext === undefined) return undefined;
  const key = hashedKey(group.subtract(beta, shared));
  const nonce = hashedNonce(alpha);
  const plaintext =
    algorithm === 'AES-GCM'
      ? decryptAesGcm(key, nonce, ciphertext)
      : decryptAesCcm(key, nonce.subarray(0, CCM_NONCE_BYTES), ciphertext);
  if (plaintext === undefined) return undefined;
  try {
    return UTF8.decode(plaintext);
  } catch {
    // The sender encrypted bytes that are no text.
    return undefined;
  }
}

function hashedKey(seal: Point): Uint8Array {
  return sha256(utf8ToBytes(`key|${pointText(seal)}`));
}

/** All 32 bytes are GCM's nonce; CCM takes the first 13. */
function hashedNonce(alpha: Point): Uint8Array {
  return sha256(utf8ToBytes(`iv|${pointText(alpha)}`));
}
