import type { CheckpointFeed } from '../checkpoint-feed.ts';
import { type Findings, MAX_FINDINGS } from '../report.ts';
import type { Commitment, CommitmentCheck } from './commitments.ts';

/** A checkpoint that waits for the tree to reach its size: what it commits to, or what is wrong with it. */
type Due =
  | { readonly size: number; readonly commitment: Commitment }
  | { readonly size: number; readonly problem: string };

/**
 * Holds every checkpoint that the log keeps against the tree at its size, as the tree grows. Their sizes must increase: a
 * source could otherwise give checkpoints without end.
 */
export class StoredCheckpointsCheck {
  readonly #feed: CheckpointFeed;
  readonly #tree: CommitmentCheck;
  readonly #findings: Findings;
  #due: Due | undefined;
  #lastSize = -1;
  #unreadable = 0;

  constructor(feed: CheckpointFeed, tree: CommitmentCheck, findings: Findings) {
    this.#feed = feed;
    this.#tree = tree;
    this.#findings = findings;
  }

  /** Entries in the next checkpoint that is due; past the last one, infinitely many. */
  get nextSize(): number {
    return this.#due?.size ?? Infinity;
  }

  /** Judges all that are due at the tree's present size. The first call must be before the first entry. */
  async judgeDue(): Promise<void> {
    while (this.#due === undefined || this.#due.size <= this.#tree.size) {
      if (this.#due !== undefined) this.#judge(this.#due);
      this.#due = await this.#next();
      if (this.#due === undefined) return;
    }
  }

  /** At the log's end: whether the next checkpoint covers more than there is. */
  end(): void {
    if (this.#due !== undefined) this.#judge(this.#due);
    if (this.#lastSize === -1) this.#findings.excuse(['checkpoints'], 'not-applicable', 'none is stored');
  }

  #judge(due: Due): void {
    if ('problem' in due) this.#finding(due.size, `a stored checkpoint is not good: ${due.problem}`);
    else if (due.size > this.#tree.size) this.#tree.missing(due.commitment);
    else this.#tree.judge(due.commitment);
  }

  async #next(): Promise<Due | undefined> {
    while (this.#unreadable < MAX_FINDINGS) {
      const checked = await this.#feed.next();
      if (checked === undefined) return undefined;
      if (checked.size === undefined) {
        this.#unreadable++;
        this.#findings.add({
          check: 'checkpoints',
          message: `a stored checkpoint is not good: ${checked.problem}`,
        });
        continue;
      }
      const { size } = checked;
      if (size <= this.#lastSize) {
        this.#finding(
          size,
          `it comes after the one of ${this.#lastSize} entries; those after it are not judged`,
        );
        return undefined;
      }
      this.#lastSize = size;
      if (!checked.ok) return { size, problem: checked.problem };
      return { size, commitment: { check: 'checkpoints', what: 'the stored checkpoint', ...checked } };
    }
    return undefined;
  }

  #finding(checkpointSize: number, message: string): void {
    this.#findings.add({ check: 'checkpoints', checkpointSize, message });
  }
}
