import { type Point, type Scalar, group, scalarFromBigInt } from '../../../crypto/group/group.ts';
import type { Random } from '../proofs.ts';

/** Shamir's sharing with Feldman's commitments: polynomials over ℤq by their coefficients, the constant one first (4.6.4). */

/** A polynomial that nobody can guess, with as many coefficients as trustees are needed. */
export function randomPolynomial(threshold: number, random: Random): Scalar[] {
  return Array.from({ length: threshold }, () => group.randomScalar(random));
}

/** The value for the trustee with this index: its secret from the polynomial's owner. */
export function valueFor(index: number, polynomial: readonly Scalar[]): Scalar {
  const x = scalarFromBigInt(BigInt(index));
  return polynomial.reduceRight(
    (sum, coefficient) => group.addScalars(group.multiplyScalars(x, sum), coefficient),
    group.zero,
  );
}

/** What everybody may know of a polynomial: each coefficient times the generator. */
export function commitments(polynomial: readonly Scalar[]): Point[] {
  return polynomial.map((coefficient) => group.multiplyBase(coefficient));
}

/** `valueFor` of the committed polynomial times the generator, from its commitments. */
export function committedValueFor(index: number, coefexps: readonly Point[]): Point {
  const x = scalarFromBigInt(BigInt(index));
  return coefexps.reduceRight((sum, point) => group.add(group.multiply(x, sum), point), group.identity);
}

/** The commitments of the sum of polynomials of the same degree. */
export function sumOfCommitments(all: readonly (readonly Point[])[]): Point[] {
  const [first = []] = all;
  return first.map((_, power) => group.sum(all.map((coefexps) => coefexps[power] ?? group.identity)));
}
