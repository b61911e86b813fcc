import { sha512 } from '@noble/hashes/sha2.js';
import { type Scalar, group } from './group.ts';

/** The secret scalar of an Ed25519 seed (RFC 8032, section 5.1.5): the generator times it is the seed's public key. */
export function scalarOfSeed(seed: Uint8Array): Scalar {
  const wide = new Uint8Array(64);
  wide.set(sha512(seed).subarray(0, 32));
  wide[0] = (wide[0] as number) & 248;
  wide[31] = ((wide[31] as number) & 127) | 64;
  return group.reduce(wide);
}
