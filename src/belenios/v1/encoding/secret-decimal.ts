import { equalBytes } from '../../../base/bytes.ts';
import { type Scalar, group } from '../../../crypto/group/group.ts';
import { type Codec, kindOf } from './codec.ts';

/** q has 76 digits, and what 76 digits hold fits 32 bytes. */
const DIGITS = 76;
const BYTES = 32;
const ZERO = 48;
const CANONICAL = /^(?:0|[1-9][0-9]{0,75})$/;

/**
 * The canonical decimal digits of a secret scalar. Unlike those of a big integer they are worked out in the same steps for every number; only
 * how many there are shows.
 */
export function secretToDecimal(scalar: Scalar): string {
  const rest = Uint8Array.from(scalar);
  const digits = new Uint8Array(DIGITS);
  for (let place = DIGITS - 1; place >= 0; place--) {
    let remainder = 0;
    for (let at = BYTES - 1; at >= 0; at--) {
      const value = remainder * 256 + (rest[at] as number);
      // A tenth, rounded down: exact below 2^15, by a product instead of a division, whose time may depend on the number.
      const tenth = (value * 52_429) >>> 19;
      rest[at] = tenth;
      remainder = value - 10 * tenth;
    }
    digits[place] = ZERO + remainder;
  }
  return String.fromCharCode(...digits).replace(/^0+(?=.)/, '');
}

/** A secret scalar from canonical decimal digits, in the same steps for as many digits; undefined for any other spelling, and for q or more. */
export function secretFromDecimal(text: string): Scalar | undefined {
  if (!CANONICAL.test(text)) return undefined;
  const wide = new Uint8Array(2 * BYTES);
  for (let place = 0; place < text.length; place++) {
    let carry = text.charCodeAt(place) - ZERO;
    for (let at = 0; at < BYTES; at++) {
      const value = (wide[at] as number) * 10 + carry;
      wide[at] = value & 255;
      carry = value >>> 8;
    }
  }
  const reduced = group.reduce(wide);
  return equalBytes(reduced, wide.subarray(0, BYTES)) ? reduced : undefined;
}

/** A secret number modulo q as any scalar is written (4.2), by ways of its own. */
export const secretScalar: Codec<Scalar> = {
  read(value, at) {
    if (typeof value !== 'string') return at.fail(`${kindOf(value)}, expected a string`);
    return secretFromDecimal(value) ?? at.fail("not a number below the group's order in decimal digits");
  },
  write: (value) => `"${secretToDecimal(value)}"`,
};
