import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { backend } from '#crypto-backend';
import { utf8ToBytes } from '../base/bytes.ts';
import { type KdfCost, isAcceptableKdf } from './credential.ts';

/** A secret encrypted with a passphrase. */
export interface Locked {
  readonly kdf: KdfCost;
  /** 16 bytes. */
  readonly salt: Uint8Array;
  /** 24 bytes. */
  readonly nonce: Uint8Array;
  /** The secret's length and 16 bytes more. */
  readonly ciphertext: Uint8Array;
}

/** libsodium's "moderate" setting for Argon2id: a passphrase is weaker than a random secret, and is typed seldom. About half a second. */
const PASSPHRASE_KDF: KdfCost = { name: 'argon2id', ops: 3, mem: 256 * 1024 * 1024 };
const SALT_BYTES = 16;
const NONCE_BYTES = 24;

/**
 * Encrypts a secret with a passphrase: Argon2id (RFC 9106), then XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03). `about` is authenticated
 * with it: what must not be exchanged. `random` must be the platform's CSPRNG. Blocks for about half a second.
 */
export function lockSecret(
  secret: Uint8Array,
  passphrase: string,
  about: Uint8Array,
  random: (length: number) => Uint8Array,
): Locked {
  const salt = random(SALT_BYTES);
  const nonce = random(NONCE_BYTES);
  const key = keyOf(passphrase, salt, PASSPHRASE_KDF);
  const ciphertext = xchacha20poly1305(key, nonce, about).encrypt(secret);
  return { kdf: PASSPHRASE_KDF, salt, nonce, ciphertext };
}

/** The secret; undefined for a wrong passphrase, or where anything was changed. Throws RangeError for a cost that `isAcceptableKdf` refuses. */
export function unlockSecret(
  { kdf, salt, nonce, ciphertext }: Locked,
  passphrase: string,
  about: Uint8Array,
): Uint8Array | undefined {
  if (!isAcceptableKdf(kdf)) throw new RangeError('an Argon2id cost out of bounds');
  const cipher = xchacha20poly1305(keyOf(passphrase, salt, kdf), nonce, about);
  try {
    return cipher.decrypt(ciphertext);
  } catch {
    // The library throws for a wrong tag and says nothing more than that.
    return undefined;
  }
}

/** NFC, so that a passphrase typed on another keyboard or system is the same. */
function keyOf(passphrase: string, salt: Uint8Array, kdf: KdfCost): Uint8Array {
  return backend.argon2id(utf8ToBytes(passphrase.normalize('NFC')), salt, kdf);
}
