import { toHex } from '../../../base/bytes.ts';
import { type Result, err, ok } from '../../../base/result.ts';
import { type ClaimedPoint, type Point, type Scalar, group } from '../../../crypto/group/group.ts';
import type { Ciphertext, Proof } from '../messages.ts';
import { type Codec, kindOf, record, textLike } from './codec.ts';
import { decodePoint, scalarFromDecimal, scalarToDecimal } from './group-elements.ts';
import { fromHexReversed } from './hex.ts';

const HASH = /^[0-9a-f]{64}$/;
/** 43 digits hold 258 bits; the last two are 0. */
const COMPACT_HASH = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]$/;
const SPELLING = 'a point has 64 hexadecimal digits in small letters';
const UUID = /^[1-9A-HJ-NP-Za-km-z]{14,64}$/;

/** Reads a group element from 64 small hexadecimal digits, the reverse of RFC 8032's bytes (5.2.1). */
export function parsePoint(text: string): Result<Point, string> {
  const bytes = fromHexReversed(text);
  if (bytes === undefined) return err(SPELLING);
  const point = decodePoint(bytes);
  return point === undefined ? err('not an element of the group') : ok(point);
}

export function pointText(point: ClaimedPoint): string {
  return toHex(point.toReversed());
}

/** A group element, 𝔾 in 4.2. */
export const point: Codec<Point> = {
  read(value, at) {
    if (typeof value !== 'string') return at.fail(`${kindOf(value)}, expected a string`);
    const parsed = parsePoint(value);
    return parsed.ok ? parsed.value : at.fail(parsed.error);
  },
  write: (value) => `"${pointText(value)}"`,
};

/** What is written as a group element is; whether it is one is left to `multiplyClaimed`. */
export const claimedPoint: Codec<ClaimedPoint> = {
  read(value, at) {
    if (typeof value !== 'string') return at.fail(`${kindOf(value)}, expected a string`);
    const bytes = fromHexReversed(value);
    return (bytes && group.claim(bytes)) ?? at.fail(SPELLING);
  },
  write: (value) => `"${pointText(value)}"`,
};

/** A number modulo q, written in base 10 (4.2); one spelling only. */
export const scalar: Codec<Scalar> = {
  read(value, at) {
    if (typeof value !== 'string') return at.fail(`${kindOf(value)}, expected a string`);
    return scalarFromDecimal(value) ?? at.fail("not a number below the group's order in decimal digits");
  },
  write: (value) => `"${scalarToDecimal(value)}"`,
};

/** 4.3 */
export const proof: Codec<Proof> = record({ challenge: scalar, response: scalar });

/** 4.3 */
export const ciphertext: Codec<Ciphertext> = ciphertextOf(point);

/** The same for either form of points. */
export function ciphertextOf<P extends ClaimedPoint>(element: Codec<P>): Codec<Ciphertext<P>> {
  return record({ alpha: element, beta: element });
}

/** A hash in hexadecimal, ℍ in 4.2. */
export const hash: Codec<string> = textLike(
  (value) => HASH.test(value),
  'a SHA-256 in 64 hexadecimal digits',
);

/** A hash in compact Base64 (4.16). */
export const compactHashText: Codec<string> = textLike(
  (value) => COMPACT_HASH.test(value),
  'a SHA-256 in Base64 without padding',
);

export const uuid: Codec<string> = textLike(
  (value) => UUID.test(value),
  'an identifier of 14 to 64 Base58 characters',
);
