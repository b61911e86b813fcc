import type { BallotCheck } from './ports.ts';

/** How often voters' programs looked for their ballot and found it, or did not. */
export interface CheckCounts {
  readonly found: number;
  readonly missing: number;
}

const NONE: CheckCounts = { found: 0, missing: 0 };

/** Counts, per round, of what voters' programs found. They come without a name and without a proof: anybody can send one. */
export class BallotChecks {
  readonly #counts: Map<number, CheckCounts>;
  #changed = false;

  constructor(counts: ReadonlyMap<number, CheckCounts> = new Map()) {
    this.#counts = new Map(counts);
  }

  note({ round, found }: BallotCheck): void {
    const before = this.of(round);
    this.#counts.set(
      round,
      found ? { ...before, found: before.found + 1 } : { ...before, missing: before.missing + 1 },
    );
    this.#changed = true;
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
