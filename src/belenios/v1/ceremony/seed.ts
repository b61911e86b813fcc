import { sha256 } from '../../../crypto/hash.ts';
import { memberSeedInput } from '../../../crypto/transcript.ts';
import type { Random } from '../proofs.ts';

const BASE58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
const SYMBOLS = 22;
/** The largest multiple of 58 that a byte holds: taking no byte from here on makes every symbol equally likely. */
const FAIR = 232;

/**
 * A trustee's seed (4.6.1): 22 Base58 characters, 128 bits. All that a trustee has to keep; one for each ceremony. `random` must be
 * the platform's CSPRNG.
 */
export function generateSeed(random: Random): string {
  let seed = '';
  while (seed.length < SYMBOLS) {
    for (const byte of random(SYMBOLS))
      if (byte < FAIR && seed.length < SYMBOLS) seed += BASE58[byte % BASE58.length] ?? '';
  }
  return seed;
}

/**
 * The seed that a trustee has in one ceremony, by the CID of its start: derived from the one seed of the trustee's key, so that a copy of the
 * key made at any time is enough, whatever ceremonies follow.
 */
export function ceremonySeed(seed: Uint8Array, ceremonyCid: Uint8Array): string {
  let counter = 0;
  return generateSeed(() => sha256(memberSeedInput(seed, ceremonyCid, counter++)));
}
