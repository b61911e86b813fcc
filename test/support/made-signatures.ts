import { ed25519, ED25519_TORSION_SUBGROUP } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { concatBytes, fromHex, toHex } from '#src/base/bytes.js';

/** Signatures that no honest signer makes: every part chosen by whoever knows the secret scalar. */
export const { Point } = ed25519;
export type Point = typeof Point.BASE;
export const L = Point.CURVE().n;

export const hex = (text: string): Uint8Array => {
  const bytes = fromHex(text);
  if (bytes === undefined) throw new Error(`not lower-case hex: ${text}`);
  return bytes;
};

/** The eight points of small order, the identity first. */
export const TORSION: readonly Point[] = ED25519_TORSION_SUBGROUP.map((text) => Point.fromHex(text));

/**
 * Every 32-byte string that a lenient decoder reads as a point of small order: the eight canonical encodings, the two
 * with a sign on x = 0, and y = 0 and y = 1 written as p and p + 1, each with either sign.
 */
export const SMALL_ORDER_ENCODINGS: readonly Uint8Array[] = [
  ...ED25519_TORSION_SUBGROUP,
  `01${'00'.repeat(30)}80`,
  `ec${'ff'.repeat(31)}`,
  ...['ed', 'ee'].flatMap((low) => ['7f', 'ff'].map((high) => `${low}${'ff'.repeat(30)}${high}`)),
].map(hex);

/** y = p + 3 … p + 18, with either sign: encodings that are not canonical, of points that are not small (if of any). */
export const LARGE_NON_CANONICAL: readonly Uint8Array[] = Array.from({ length: 16 }, (_, i) =>
  ['7f', 'ff'].map((high) => hex(`${(0xed + 3 + i).toString(16)}${'ff'.repeat(30)}${high}`)),
).flat();

export function toNumber(bytes: Uint8Array): bigint {
  return BigInt(`0x${toHex(bytes.slice().reverse())}`);
}

export function toBytes(value: bigint): Uint8Array {
  return hex(value.toString(16).padStart(64, '0')).reverse();
}

/** k of RFC 8032 section 5.1.7, over the bytes as they are. */
export function challenge(encodedR: Uint8Array, publicKey: Uint8Array, message: Uint8Array): bigint {
  return toNumber(sha512(concatBytes(encodedR, publicKey, message))) % L;
}

/** R || (r + k·a mod L) for any bytes as R and as key. */
export function makeSignature(parts: {
  readonly a: bigint;
  readonly r: bigint;
  readonly encodedR: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly message: Uint8Array;
}): Uint8Array {
  const k = challenge(parts.encodedR, parts.publicKey, parts.message);
  return concatBytes(parts.encodedR, toBytes((parts.r + k * parts.a) % L));
}

/** The first of the messages 0, 1, 2, … (32 bytes) for which the challenge k has k mod 8 as asked. */
export function grindMessage(encodedR: Uint8Array, publicKey: Uint8Array, residue: bigint): Uint8Array {
  for (let i = 0n; ; i++) {
    const message = toBytes(i);
    if (challenge(encodedR, publicKey, message) % 8n === residue) return message;
  }
}
