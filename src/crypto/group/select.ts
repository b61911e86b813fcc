/**
 * Choices by a secret that take the same steps whichever way they go: no branch, no index and no loop depends on it. This is what JavaScript
 * lets a program say; an engine promises nothing about time (docs/SECURITY).
 */

/** A secret yes (1) or no (0). */
export type Bit = 0 | 1;

/** `ifOne` or `ifZero`, as a new array. Both have the same length. */
export function select<T extends Uint8Array>(bit: Bit, ifZero: T, ifOne: T): T {
  const mask = -bit;
  const selected = new Uint8Array(ifZero.length);
  for (let at = 0; at < selected.length; at++) {
    const zero = ifZero[at] as number;
    selected[at] = zero ^ (mask & (zero ^ (ifOne[at] as number)));
  }
  return selected as T;
}

/** `ifOne` or `ifZero`, of whole numbers that 32 bits hold. */
export function selectNumber(bit: Bit, ifZero: number, ifOne: number): number {
  return ifZero ^ (-bit & (ifZero ^ ifOne));
}

/** Whether two whole numbers that 32 bits hold are the same. */
export function isSame(a: number, b: number): Bit {
  const difference = a ^ b;
  return (1 ^ ((difference | -difference) >>> 31)) as Bit;
}

/** Whether any of these is the same number. */
export function isAmong(number: number, all: readonly number[]): Bit {
  return all.reduce<number>((found, one) => found | isSame(number, one), 0) as Bit;
}
