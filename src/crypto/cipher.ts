import { backend } from '#crypto-backend';

/**
 * AES-256 in CCM mode (NIST SP 800-38C): nonce of 13 bytes, no associated data, the tag's 8 bytes after the ciphertext. Throws
 * RangeError for more than 65,535 bytes.
 */
export function encryptAesCcm(key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array): Uint8Array {
  return backend.encryptAesCcm(key, nonce, plaintext);
}

/** What `encryptAesCcm` encrypted; undefined unless the tag is right. */
export function decryptAesCcm(
  key: Uint8Array,
  nonce: Uint8Array,
  ciphertext: Uint8Array,
): Uint8Array | undefined {
  return backend.decryptAesCcm(key, nonce, ciphertext);
}

/** AES-256 in GCM mode (NIST SP 800-38D), the tag's 16 bytes after the ciphertext; undefined unless the tag is right. */
export function decryptAesGcm(
  key: Uint8Array,
  nonce: Uint8Array,
  ciphertext: Uint8Array,
): Uint8Array | undefined {
  return backend.decryptAesGcm(key, nonce, ciphertext);
}
