import {
  GROUP_ORDER,
  type Point,
  type Scalar,
  group,
  scalarFromBigInt,
  scalarToBigInt,
} from '../../../crypto/group/group.ts';

/** q has 76 digits. */
const DECIMAL = /^(?:0|[1-9][0-9]{0,75})$/;

/** A group element from RFC 8032's 32 bytes; undefined unless canonical, on the curve and in the prime-order subgroup. */
export function decodePoint(bytes: Uint8Array): Point | undefined {
  return group.decode(bytes);
}

/** A scalar from canonical decimal digits; undefined for any other spelling and for q or more. */
export function scalarFromDecimal(digits: string): Scalar | undefined {
  if (!DECIMAL.test(digits)) return undefined;
  const value = BigInt(digits);
  return value < GROUP_ORDER ? scalarFromBigInt(value) : undefined;
}

/** The canonical decimal digits of a scalar. */
export function scalarToDecimal(scalar: Scalar): string {
  return scalarToBigInt(scalar).toString();
}
