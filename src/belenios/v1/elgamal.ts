import { type ClaimedPoint, type Point, type Scalar, group } from '../../crypto/group/group.ts';
import { type Bit, select } from '../../crypto/group/select.ts';
import { pointText } from './encoding/elements.ts';
import type { Ciphertext } from './messages.ts';

/** Encryption of nothing with nothing: the neutral element of sums. */
export const EMPTY: Ciphertext = { alpha: group.identity, beta: group.identity };

/** Exponential ElGamal (4.11.1): (r·g, r·y + m·g) for m of 0 or 1. The sum is made either way, and chosen without a branch. */
export function encryptBit(y: Point, bit: Bit, r: Scalar): Ciphertext {
  const masked = group.multiply(r, y);
  const raised = group.add(masked, group.generator);
  return { alpha: group.multiplyBase(r), beta: select(bit, masked, raised) };
}

export function addCiphertexts(a: Ciphertext, b: Ciphertext): Ciphertext {
  return { alpha: group.add(a.alpha, b.alpha), beta: group.add(a.beta, b.beta) };
}

export function subtractCiphertexts(a: Ciphertext, b: Ciphertext): Ciphertext {
  return { alpha: group.subtract(a.alpha, b.alpha), beta: group.subtract(a.beta, b.beta) };
}

export function sumCiphertexts(all: readonly Ciphertext[]): Ciphertext {
  return {
    alpha: group.sum(all.map(({ alpha }) => alpha)),
    beta: group.sum(all.map(({ beta }) => beta)),
  };
}

/** `alpha,beta`, as it is hashed. */
export function ciphertextText({ alpha, beta }: Ciphertext<ClaimedPoint>): string {
  return `${pointText(alpha)},${pointText(beta)}`;
}
