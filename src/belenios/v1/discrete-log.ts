import { toHex } from '../../base/bytes.ts';
import { type Point, group, scalarFromBigInt } from '../../crypto/group/group.ts';

/** A million remembered points, and some 15 seconds to make them. */
export const MAX_LOG_BOUND = 10n ** 12n;

/**
 * Finds m from m·g for 0 ≤ m ≤ bound by baby steps and giant steps: about 2·√bound additions and √bound remembered points, of
 * which the baby steps are made once for all cells of a tally. Most sums are far below the bound, so the steps are taken as far as needed and no further.
 */
export class DiscreteLog {
  readonly #bound: bigint;
  readonly #width: number;
  readonly #baby = new Map<string, number>();
  readonly #giant: Point;

  /** Throws RangeError for a bound below 0 or above `MAX_LOG_BOUND`, whose table nobody would wait for. */
  constructor(bound: bigint) {
    if (bound < 0n || bound > MAX_LOG_BOUND) throw new RangeError(`no table is made for sums up to ${bound}`);
    this.#bound = bound;
    this.#width = Math.max(1, Math.ceil(Math.sqrt(Number(bound) + 1)));
    let point = group.identity;
    for (let m = 0; m < this.#width; m++) {
      this.#baby.set(toHex(point), m);
      point = group.add(point, group.generator);
    }
    this.#giant = group.multiplyBase(scalarFromBigInt(BigInt(this.#width)));
  }

  /** m; undefined when there is none up to the bound. */
  solve(point: Point): bigint | undefined {
    let rest = point;
    for (let steps = 0; steps <= this.#width; steps++) {
      const low = this.#baby.get(toHex(rest));
      if (low !== undefined) {
        const m = BigInt(steps) * BigInt(this.#width) + BigInt(low);
        return m <= this.#bound ? m : undefined;
      }
      rest = group.subtract(rest, this.#giant);
    }
    return undefined;
  }
}
