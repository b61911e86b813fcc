import { backend as chosen } from '#crypto-backend';
import { equalBytes } from '../../base/bytes.ts';
import type { CryptoBackend } from '../backends/backend.ts';

declare const claimedBrand: unique symbol;
declare const pointBrand: unique symbol;
declare const scalarBrand: unique symbol;

/**
 * An element of the prime-order subgroup of edwards25519 in RFC 8032's encoding (32 bytes, little-endian), known to be
 * canonical, on the curve and in the subgroup; the neutral element is one.
 */
export type Point = ClaimedPoint & { readonly [pointBrand]: true };

/** 32 bytes that somebody says are a group element. Nothing can be done with them but what shows whether they are. */
export type ClaimedPoint = Uint8Array & { readonly [claimedBrand]: true };

/** What a claimed point turned out to be, and a multiple of it. */
export interface Multiplied {
  readonly point: Point;
  readonly product: Point;
}

/** A number modulo the group's order q, 32 bytes little-endian, reduced. */
export type Scalar = Uint8Array & { readonly [scalarBrand]: true };

/** q, the order of the group: 2²⁵² + 27742317777372353535851937790883648493. */
export const GROUP_ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;

const BYTES = 32;

/**
 * The group that sealed ballots live in: the prime-order subgroup of edwards25519 (RFC 8032 section 5.1; Belenios specification,
 * section 5.2.1). What is secret goes through scalars and `multiply` alone, which the native backend does in constant time.
 */
export class Group {
  readonly #backend: CryptoBackend;
  /** The neutral element (0, 1). */
  readonly identity = word(1) as Point;
  readonly zero = word(0) as Scalar;
  readonly one = word(1) as Scalar;
  readonly generator: Point;

  constructor(backend: CryptoBackend) {
    this.#backend = backend;
    this.generator = backend.multiplyBase(this.one) as Point;
  }

  /** A group element from RFC 8032's 32 bytes; undefined unless canonical, on the curve and in the prime-order subgroup. */
  decode(bytes: Uint8Array): Point | undefined {
    return this.isIdentity(bytes) || this.#backend.isPrimeOrderPoint(bytes) ? (bytes as Point) : undefined;
  }

  isIdentity(bytes: Uint8Array): boolean {
    return equalBytes(bytes, this.identity);
  }

  /** `scalar` times `point`. */
  multiply(scalar: Scalar, point: Point): Point {
    // libsodium refuses operands whose product is the neutral element; the protocol has them (a zero challenge, an empty tally).
    if (this.isIdentity(point) || isZero(scalar)) return this.identity;
    return this.#backend.multiply(scalar, point) as Point;
  }

  /** 32 bytes as what they are claimed to be; undefined for another length. */
  claim(bytes: Uint8Array): ClaimedPoint | undefined {
    return bytes.length === BYTES ? (bytes as ClaimedPoint) : undefined;
  }

  /** `decode` and `multiply` in one, at the cost of the latter; undefined where the former is. */
  multiplyClaimed(scalar: Scalar, claimed: ClaimedPoint): Multiplied | undefined {
    if (isZero(scalar) || this.isIdentity(claimed)) {
      const point = this.decode(claimed);
      return point && { point, product: this.identity };
    }
    const product = this.#backend.multiplyIfPrimeOrder(scalar, claimed);
    return product && { point: claimed as Point, product: product as Point };
  }

  /** `scalar` times the generator. */
  multiplyBase(scalar: Scalar): Point {
    return isZero(scalar) ? this.identity : (this.#backend.multiplyBase(scalar) as Point);
  }

  add(a: Point, b: Point): Point {
    return this.#backend.addPoints(a, b) as Point;
  }

  subtract(a: Point, b: Point): Point {
    return this.#backend.subtractPoints(a, b) as Point;
  }

  sum(points: Iterable<Point>): Point {
    let total: Point | undefined;
    for (const point of points) total = total === undefined ? point : this.add(total, point);
    return total ?? this.identity;
  }

  /** 64 bytes, little-endian, modulo q. Of 64 random bytes it is as good as uniform. */
  reduce(wide: Uint8Array): Scalar {
    return this.#backend.reduceScalar(wide) as Scalar;
  }

  /** A hash's bytes as one big-endian number, modulo q. Throws RangeError for more than 64 bytes. */
  scalarFromHash(digest: Uint8Array): Scalar {
    const wide = new Uint8Array(2 * BYTES);
    wide.set(digest.toReversed());
    return this.reduce(wide);
  }

  /** A scalar nobody can guess; `random(n)` must return n bytes of the platform's CSPRNG. */
  randomScalar(random: (length: number) => Uint8Array): Scalar {
    const bytes = random(2 * BYTES);
    if (bytes.length !== 2 * BYTES) throw new RangeError(`asked for 64 random bytes, got ${bytes.length}`);
    return this.reduce(bytes);
  }

  addScalars(a: Scalar, b: Scalar): Scalar {
    return this.#backend.addScalars(a, b) as Scalar;
  }

  subtractScalars(a: Scalar, b: Scalar): Scalar {
    return this.#backend.subtractScalars(a, b) as Scalar;
  }

  multiplyScalars(a: Scalar, b: Scalar): Scalar {
    return this.#backend.multiplyScalars(a, b) as Scalar;
  }

  sumScalars(scalars: Iterable<Scalar>): Scalar {
    let total = this.zero;
    for (const scalar of scalars) total = this.addScalars(total, scalar);
    return total;
  }
}

/** The group on this platform's backend. */
export const group = new Group(chosen);

/** A number that is no secret, modulo q. */
export function scalarFromBigInt(value: bigint): Scalar {
  let rest = ((value % GROUP_ORDER) + GROUP_ORDER) % GROUP_ORDER;
  const bytes = new Uint8Array(BYTES);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < BYTES; at += 8) {
    view.setBigUint64(at, BigInt.asUintN(64, rest), true);
    rest >>= 64n;
  }
  return bytes as Scalar;
}

/** A scalar that is no secret as a number. */
export function scalarToBigInt(scalar: Scalar): bigint {
  const view = new DataView(scalar.buffer, scalar.byteOffset, scalar.byteLength);
  let value = 0n;
  for (let at = BYTES - 8; at >= 0; at -= 8) value = (value << 64n) | view.getBigUint64(at, true);
  return value;
}

/** The inverse modulo q of a number that is no secret and no multiple of q (Fermat). */
export function invertModOrder(value: bigint): bigint {
  let result = 1n;
  let base = ((value % GROUP_ORDER) + GROUP_ORDER) % GROUP_ORDER;
  for (let exponent = GROUP_ORDER - 2n; exponent > 0n; exponent >>= 1n) {
    if ((exponent & 1n) === 1n) result = (result * base) % GROUP_ORDER;
    base = (base * base) % GROUP_ORDER;
  }
  return result;
}

function word(low: number): Uint8Array {
  const bytes = new Uint8Array(BYTES);
  bytes[0] = low;
  return bytes;
}

/** In a time that doesn't depend on where a byte differs. */
function isZero(scalar: Uint8Array): boolean {
  let bits = 0;
  for (const byte of scalar) bits |= byte;
  return bits === 0;
}
