import { backend } from '#crypto-backend';

/** SHA-256 (FIPS 180-4) of the parts one after another; 32 fresh bytes. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  return backend.sha256(parts);
}
