import type { BallotCheckReport } from './ports.ts';
import { MAX_CHECKS_REPORTED } from './witness-limits.ts';

/** How often voters' programs looked for their ballot and found it, or did not. */
export interface CheckCounts {
  readonly found: number;
  readonly missing: number;
}

const NONE: CheckCounts = { found: 0, missing: 0 };

/** Counts, per round, of what voters' programs found. They come without a name and without a proof: anybody can send one. */
export class BallotChecks {
  readonly #counts: Map<number, CheckCounts>;
  readonly #passedOn = new Map<number, CheckCounts>();
  #changed = false;

  constructor(counts: ReadonlyMap<number, CheckCounts> = new Map()) {
    this.#counts = new Map(counts);
  }

  note({ round, found, missing }: BallotCheckReport): void {
    this.#counts.set(round, sum(this.of(round), { found, missing }));
    this.#changed = true;
  }

  /** What was noted and not passed on yet, as one peer takes it at a time. */
  toPassOn(): BallotCheckReport[] {
    return [...this.#counts].flatMap(([round, noted]) => {
      const passed = this.#passedOn.get(round) ?? NONE;
      const found = Math.min(noted.found - passed.found, MAX_CHECKS_REPORTED);
      const missing = Math.min(noted.missing - passed.missing, MAX_CHECKS_REPORTED);
      return found + missing === 0 ? [] : [{ round, found, missing }];
    });
  }

  notePassedOn({ round, found, missing }: BallotCheckReport): void {
    this.#passedOn.set(round, sum(this.#passedOn.get(round) ?? NONE, { found, missing }));
  }

  of(round: number): CheckCounts {
    return this.#counts.get(round) ?? NONE;
  }

  /** All counts, where they changed since the last call; for whoever keeps them. */
  takeChanges(): ReadonlyMap<number, CheckCounts> | undefined {
    if (!this.#changed) return undefined;
    this.#changed = false;
    return new Map(this.#counts);
  }
}

function sum(one: CheckCounts, other: CheckCounts): CheckCounts {
  return { found: one.found + other.found, missing: one.missing + other.missing };
}
