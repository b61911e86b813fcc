import { refused } from '../../base/errors.ts';
import { LiveAudit, type SubmittedEntries } from '../../audit/live.ts';
import { type Finding, describeFinding } from '../../audit/report.ts';
import type { EntryChecker } from '../../audit/checker.ts';
import { type Checkpoint, type LogKey, openCheckpoint } from '../../log/checkpoint.ts';
import { HASH_BYTES } from '../../log/merkle.ts';
import type { LogCopy, ValidEntry } from '../log-copy.ts';
import type { KnownGenesis } from './known-genesis.ts';

/** A submission's worth, as an audit's: some 20 ms of checking. */
const BATCH_ENTRIES = 256;
const BATCH_BYTES = 64 * 1024;
/** Entries that one write takes before it is worth its fsync, while the copy catches up. */
const COMMIT_ENTRIES = 2048;
/**
 * What a source may send without a checkpoint that covers it: an authority's largest batch, and a frame. More is refused, so
 * that nobody can fill the memory with entries that nobody signed for.
 */
const MAX_UNCOVERED_BYTES = 128 * 1024 * 1024;

/** The authority signed a log that breaks the election's rules. */
export class InvalidLog extends Error {
  override readonly name = 'InvalidLog';
  readonly finding: Finding;
  readonly checkpoint: Checkpoint;

  constructor(finding: Finding, checkpoint: Checkpoint) {
    super(describeFinding(finding));
    this.finding = finding;
    this.checkpoint = checkpoint;
  }
}

/**
 * Takes in a log as it arrives: checks every entry as an audit does, compares it with the checkpoints that come with it, and
 * adds to the copy what both bear out. A source is believed in nothing that the authority did not sign.
 */
export class LogIntake {
  readonly #copy: LogCopy;
  readonly #key: LogKey;
  readonly #audit: LiveAudit;
  /** Not submitted yet. */
  #gathered: Uint8Array[] = [];
  #gatheredBytes = 0;
  readonly #inFlight: SubmittedEntries[] = [];
  /** Entries of the log that are written, or are being written. */
  #written: number;
  /** Judged, and in no checkpoint that was compared. */
  #judged: ValidEntry[] = [];
  #uncoveredBytes = 0;
  /** Checkpoints whose entries are not being written yet, by increasing size. */
  #boundaries: Checkpoint[] = [];
  /** The write under way: the next entries are judged meanwhile. */
  #writing: Promise<void> = Promise.resolve();

  private constructor(copy: LogCopy, genesis: KnownGenesis, checker: EntryChecker) {
    this.#copy = copy;
    this.#written = copy.head.size;
    this.#key = genesis.key;
    this.#audit = new LiveAudit(checker, genesis);
  }

  /**
   * An intake behind the copy, after auditing what the copy holds. Throws `copy-invalid` where that breaks the rules. `onProgress`
   * is told how many entries are done. The caller closes the checker.
   */
  static async behind(
    copy: LogCopy,
    genesis: KnownGenesis,
    { checker, onProgress }: { readonly checker: EntryChecker; readonly onProgress: (done: number) => void },
  ): Promise<LogIntake> {
    const intake = new LogIntake(copy, genesis, checker);
    for await (const chunk of copy.store.entries(0)) {
      await intake.#gather(chunk);
      intake.#judged = [];
      intake.#uncoveredBytes = 0;
      onProgress(intake.#audit.size);
    }
    await intake.#judgeAll();
    intake.#judged = [];
    intake.#uncoveredBytes = 0;
    const { first } = intake.#audit;
    if (first !== undefined) {
      throw refused('copy-invalid', `The copy of the log here is not valid: ${describeFinding(first)}.`, {
        hint: 'Keep the folder: verify-log tells more about it. Begin a new copy in another folder.',
      });
    }
    return intake;
  }

  /** Index of the entry that is wanted next. */
  get next(): number {
    return (
      this.#audit.size +
      this.#gathered.length +
      this.#inFlight.reduce((sum, { bytes }) => sum + bytes.length, 0)
    );
  }

  /** Takes the entries that follow. Throws `bad-source` where they have no end, and as `covered`. */
  async entries(entries: readonly Uint8Array[]): Promise<void> {
    await this.#gather(entries);
    await this.#commit(COMMIT_ENTRIES);
  }

  /**
   * Takes a checkpoint that covers no more than the entries so far. Throws `bad-source` where it isn't the authority's, or not of
   * these entries, and `InvalidLog`. After either the intake is of no use.
   */
  async covered(text: string): Promise<void> {
    const opened = openCheckpoint(text, this.#key);
    if (!opened.ok) throw badSource(`its checkpoint is not good: ${opened.error}`);
    if (opened.value.size > this.next) throw badSource('its checkpoint covers entries that it did not send');
    // A source that goes back says nothing new; whoever follows it compares what it shows in the end.
    if (opened.value.size <= (this.#boundaries.at(-1)?.size ?? this.#written)) return;
    this.#boundaries.push(opened.value);
    await this.#commit(COMMIT_ENTRIES);
  }

  /** As `covered`, where nothing more is there for now: all that the checkpoint covers is on disk when this resolves. */
  async caughtUp(text: string): Promise<void> {
    await this.covered(text);
    await this.#judgeAll();
    await this.#commit(1);
    await this.#writing;
  }

  /** Resolves when nothing is being written any more, whatever became of it. */
  async settled(): Promise<void> {
    await this.#writing.catch(() => undefined);
  }

  async #gather(entries: readonly Uint8Array[]): Promise<void> {
    for (const entry of entries) {
      this.#gathered.push(entry);
      this.#gatheredBytes += entry.length;
      this.#uncoveredBytes += entry.length;
      if (this.#gathered.length < BATCH_ENTRIES && this.#gatheredBytes < BATCH_BYTES) continue;
      this.#submit();
      while (this.#inFlight.length >= this.#audit.depth) await this.#judgeNext();
    }
    if (this.#uncoveredBytes > MAX_UNCOVERED_BYTES)
      throw badSource('it sends entries that no checkpoint covers');
  }

  #submit(): void {
    if (this.#gathered.length === 0) return;
    this.#inFlight.push(this.#audit.submit(this.#gathered));
    this.#gathered = [];
    this.#gatheredBytes = 0;
  }

  async #judgeNext(): Promise<void> {
    const next = this.#inFlight.shift();
    if (next === undefined) return;
    const { leaves } = await this.#audit.take(next);
    for (const [index, bytes] of next.bytes.entries())
      this.#judged.push({ bytes, leaf: leaves.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES) });
  }

  async #judgeAll(): Promise<void> {
    this.#submit();
    while (this.#inFlight.length > 0) await this.#judgeNext();
  }

  /** Begins to write what the largest checkpoint over judged entries covers, once that is at least so many. */
  async #commit(atLeast: number): Promise<void> {
    const judged = this.#written + this.#judged.length;
    const boundary = this.#boundaries.findLast(({ size }) => size <= judged);
    if (boundary === undefined || boundary.size - this.#written < atLeast) return;
    this.#boundaries = this.#boundaries.filter(({ size }) => size > boundary.size);
    await this.#writing;
    const covered = this.#judged.slice(0, boundary.size - this.#written);
    this.#judged = this.#judged.slice(covered.length);
    this.#written = boundary.size;
    this.#uncoveredBytes =
      this.#judged.reduce((sum, { bytes }) => sum + bytes.length, 0) + this.#gatheredBytes;
    const { first } = this.#audit;
    if (first !== undefined) {
      if (!this.#copy.matches(covered, boundary)) throw wrongEntries();
      // What is wrong may be in an entry further on, for which nobody has signed yet.
      if (first.seq === undefined || first.seq < boundary.size) throw new InvalidLog(first, boundary);
    }
    this.#writing = this.#copy.append(covered, boundary).then((isOfCheckpoint) => {
      if (!isOfCheckpoint) throw wrongEntries();
    });
    // It is awaited in its turn; a failure before that must not count as unhandled.
    this.#writing.catch(() => undefined);
  }
}

function wrongEntries(): Error {
  return badSource('its entries are not those that the checkpoint is signed for');
}

/** What a source did that no honest one does. */
export function badSource(why: string): Error {
  return refused('bad-source', `The source of the log can't be used: ${why}.`, {
    hint: 'It is damaged, or not honest. Follow the log from another peer.',
  });
}
