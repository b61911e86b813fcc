import type { LogKey } from '../log/checkpoint.ts';
import { damage } from './batches.ts';
import type { EntryChecker } from './checker.ts';
import type { CheckedCheckpoint } from './entry-check.ts';
import type { LogSource } from './source.ts';

/** So many, and so far ahead, that a log with a checkpoint for every entry doesn't wait for them. */
const BATCH = 128;
const BATCHES_AHEAD = 4;

/** A log's stored checkpoints one by one, opened some way ahead by the checker. */
export class CheckpointFeed {
  readonly #texts: AsyncIterator<string>;
  readonly #checker: EntryChecker;
  readonly #key: LogKey;
  readonly #ahead: Promise<readonly CheckedCheckpoint[]>[] = [];
  #ready: readonly CheckedCheckpoint[] = [];
  #taken = 0;
  #ended = false;

  constructor(source: LogSource, checker: EntryChecker, key: LogKey) {
    this.#texts = source.checkpoints(0)[Symbol.asyncIterator]();
    this.#checker = checker;
    this.#key = key;
  }

  /** The next checkpoint; undefined after the last. Throws when the source can't be read. */
  async next(): Promise<CheckedCheckpoint | undefined> {
    while (this.#taken === this.#ready.length) {
      while (!this.#ended && this.#ahead.length < BATCHES_AHEAD) await this.#order();
      const batch = this.#ahead.shift();
      if (batch === undefined) return undefined;
      this.#ready = await batch;
      this.#taken = 0;
    }
    return this.#ready[this.#taken++];
  }

  /** Stops reading. */
  async close(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await this.#texts.return?.();
  }

  async #order(): Promise<void> {
    const texts: string[] = [];
    let broken: CheckedCheckpoint | undefined;
    while (!this.#ended && texts.length < BATCH) {
      try {
        const next = await this.#texts.next();
        if (next.done === true) this.#ended = true;
        else texts.push(next.value);
      } catch (error) {
        const problem = damage(error);
        if (problem === undefined) throw error;
        this.#ended = true;
        broken = { ok: false, size: undefined, problem };
      }
    }
    const checked = this.#checker.checkpoints({ texts, ...this.#key });
    const all = broken === undefined ? checked : withLast(checked, broken);
    // It is awaited in its turn; a failure before that must not count as unhandled.
    all.catch(() => undefined);
    this.#ahead.push(all);
  }
}

async function withLast(
  checked: Promise<readonly CheckedCheckpoint[]>,
  last: CheckedCheckpoint,
): Promise<readonly CheckedCheckpoint[]> {
  return [...(await checked), last];
}
