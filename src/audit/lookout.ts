import { trackerOfHash } from '../election/ballot.ts';

/** Watches for sealed ballots by their trackers. */
export class Lookout {
  readonly #wanted: ReadonlySet<string>;
  readonly #seen = new Map<string, number>();

  constructor(trackers: readonly string[]) {
    this.#wanted = new Set(trackers);
  }

  /** A valid ballot, by the SHA-256 of its sealed text, and its position in the log. */
  see(textHash: Uint8Array, seq: number): void {
    if (this.#wanted.size === 0) return;
    const tracker = trackerOfHash(textHash);
    if (this.#wanted.has(tracker) && !this.#seen.has(tracker)) this.#seen.set(tracker, seq);
  }

  /** Positions by tracker; of ballots with the same text, that of the first. */
  get seen(): ReadonlyMap<string, number> {
    return this.#seen;
  }
}
