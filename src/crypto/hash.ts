import { backend } from '#crypto-backend';
import { sha256 as portable } from '@noble/hashes/sha2.js';

/** SHA-256 (FIPS 180-4) of the parts one after another; 32 fresh bytes. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  return backend.sha256(parts);
}

/** SHA-256 of what comes piece by piece, none of which is kept. */
export class Sha256 {
  readonly #hash = portable.create();

  update(bytes: Uint8Array): this {
    this.#hash.update(bytes);
    return this;
  }

  /** The digest, 32 fresh bytes; nothing can be added after it. */
  digest(): Uint8Array {
    return this.#hash.digest();
  }
}
