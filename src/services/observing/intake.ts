import { equalBytes } from '../../base/bytes.ts';
import { refused } from '../../base/errors.ts';
import type { EntryChecker } from '../../audit/checker.ts';
import { LiveAudit, type SubmittedEntries } from '../../audit/live.ts';
import { type Finding, describeFinding } from '../../audit/report.ts';
import { type Checkpoint, type LogKey, openCheckpoint } from '../../log/checkpoint.ts';
import { CompactTree, HASH_BYTES, leafHash } from '../../log/merkle.ts';
import type { LogCopy, ValidEntry } from '../log-copy.ts';
import type { KnownGenesis } from './known-genesis.ts';

/** A submission's worth, as an audit's: some 20 ms of checking. */
const BATCH_ENTRIES = 256;
const BATCH_BYTES = 64 * 1024;
/** What one write takes, in entries or bytes, before it is worth its fsync, while the copy catches up. */
const COMMIT_ENTRIES = 2048;
const COMMIT_BYTES = 4 * 1024 * 1024;
/**
 * What a source may send without a checkpoint that covers it: an authority's largest batch, and a frame. More is refused, so
 * that nobody can fill the memory with entries that nobody signed for.
 */
export const MAX_UNCOVERED_BYTES = 128 * 1024 * 1024;
/** What an entry counts for besides its bytes: its object takes as much, however few those are. */
const ENTRY_CHARGE_BYTES = 256;

/** The authority signed a log that breaks the election's rules. */
export class InvalidLog extends Error {
  override readonly name = 'InvalidLog';
  readonly finding: Finding;
  /** The first one that covers what is wrong. */
  readonly checkpoint: Checkpoint;

  constructor(finding: Finding, checkpoint: Checkpoint) {
    super(describeFinding(finding));
    this.finding = finding;
    this.checkpoint = checkpoint;
  }
}

export interface IntakeInit {
  readonly copy: LogCopy;
  readonly genesis: KnownGenesis;
  /** The caller closes it. */
  readonly checker: EntryChecker;
  readonly maxUncoveredBytes: number;
  /** Told how many entries of the copy are audited at the start. */
  readonly onProgress: (done: number) => void;
}

/**
 * Takes in a log as it arrives, in three steps, each of which sees only what passed the one before: entries wait until a checkpoint
 * is signed for exactly them; then they are checked as an audit does; then they are written, with that checkpoint. So a source can
 * spoil nothing but its own time, and what the audit finds wrong is the authority's doing.
 */
export class LogIntake {
  readonly #copy: LogCopy;
  readonly #key: LogKey;
  readonly #audit: LiveAudit;
  readonly #maxUncoveredBytes: number;
  /** Sent, and signed for by nobody so far. */
  #uncovered: Uint8Array[] = [];
  #uncoveredBytes = 0;
  /** All that the authority has signed for, whether checked and written yet or not. */
  #signed = new CompactTree();
  /** Signed for, not submitted yet. */
  #gathered: Uint8Array[] = [];
  #gatheredBytes = 0;
  readonly #inFlight: SubmittedEntries[] = [];
  /** Checked, not being written yet. */
  #checked: ValidEntry[] = [];
  #checkedBytes = 0;
  /** Checkpoints whose entries are not being written yet, by increasing size. */
  #boundaries: Checkpoint[] = [];
  /** Entries of the log that are written, or are being written. */
  #written: number;
  /** The write under way: the next entries are checked meanwhile. */
  #writing: Promise<void> = Promise.resolve();

  /** An intake behind the copy, after auditing what the copy holds. Throws `copy-invalid` where that breaks the rules. */
  static async behind(init: IntakeInit): Promise<LogIntake> {
    const intake = new LogIntake(init);
    for await (const chunk of init.copy.store.entries(0)) {
      for (const bytes of chunk) intake.#signed.append(leafHash(bytes));
      await intake.#submit(chunk);
      intake.#checked = [];
      init.onProgress(intake.#audit.size);
    }
    await intake.#checkAll();
    intake.#checked = [];
    intake.#checkedBytes = 0;
    const { first } = intake.#audit;
    if (first === undefined) return intake;
    throw refused('copy-invalid', `The copy of the log here is not valid: ${describeFinding(first)}.`, {
      hint: 'Keep the folder: verify-log tells more about it. Begin a new copy in another folder.',
    });
  }

  private constructor({ copy, genesis, checker, maxUncoveredBytes }: IntakeInit) {
    this.#copy = copy;
    this.#written = copy.head.size;
    this.#key = genesis.key;
    this.#audit = new LiveAudit(checker, genesis);
    this.#maxUncoveredBytes = maxUncoveredBytes;
  }

  /** Index of the entry that is wanted next. */
  get next(): number {
    return this.#signed.size + this.#uncovered.length;
  }

  /** Forgets what is under no checkpoint: another source has its own word to give. */
  forget(): void {
    this.#uncovered = [];
    this.#uncoveredBytes = 0;
  }

  /** Takes the entries that follow. Throws `bad-source` where they have no end. */
  entries(entries: readonly Uint8Array[]): void {
    for (const bytes of entries) {
      this.#uncovered.push(bytes);
      this.#uncoveredBytes += ENTRY_CHARGE_BYTES + bytes.length;
    }
    if (this.#uncoveredBytes > this.#maxUncoveredBytes)
      throw badSource('it sends entries that no checkpoint covers');
  }

  /**
   * Takes a checkpoint that covers no more than the entries so far; resolves to whether it covers more than those before. One that
   * doesn't is not compared with anything here. Throws `bad-source` where it isn't the authority's, or not of these entries; and
   * `InvalidLog`, after which the intake is of no use.
   */
  async covered(text: string): Promise<boolean> {
    const opened = openCheckpoint(text, this.#key);
    if (!opened.ok) throw badSource(`its checkpoint is not good: ${opened.error}`);
    const { size, root } = opened.value;
    if (size > this.next) throw badSource('its checkpoint covers entries that it did not send');
    if (size <= this.#signed.size) return false;
    const entries = this.#uncovered.slice(0, size - this.#signed.size);
    const tree = this.#signed.clone();
    for (const bytes of entries) tree.append(leafHash(bytes));
    if (!equalBytes(tree.root(), root))
      throw badSource('its entries are not those that its checkpoint is signed for');
    this.#signed = tree;
    this.#uncovered = this.#uncovered.slice(entries.length);
    this.#uncoveredBytes -= entries.length * ENTRY_CHARGE_BYTES + totalLength(entries);
    this.#boundaries.push(opened.value);
    await this.#submit(entries);
    await this.#write('what is worth it');
    return true;
  }

  /** Resolves when all that the authority has signed for so far is on disk. Throws `InvalidLog`, and what the store throws. */
  async flush(): Promise<void> {
    await this.#checkAll();
    await this.#write('everything');
    await this.#writing;
  }

  /** Resolves when nothing is being written any more, whatever became of it. */
  async settled(): Promise<void> {
    await this.#writing.catch(() => undefined);
  }

  /** Has entries checked that the authority signed for; waits only while the checker has enough to do. */
  async #submit(entries: readonly Uint8Array[]): Promise<void> {
    for (const bytes of entries) {
      this.#gathered.push(bytes);
      this.#gatheredBytes += bytes.length;
      if (this.#gathered.length < BATCH_ENTRIES && this.#gatheredBytes < BATCH_BYTES) continue;
      this.#submitGathered();
      while (this.#inFlight.length >= this.#audit.depth) await this.#checkNext();
    }
  }

  #submitGathered(): void {
    if (this.#gathered.length === 0) return;
    this.#inFlight.push(this.#audit.submit(this.#gathered));
    this.#gathered = [];
    this.#gatheredBytes = 0;
  }

  async #checkNext(): Promise<void> {
    const next = this.#inFlight.shift();
    if (next === undefined) return;
    const { leaves } = await this.#audit.take(next);
    for (const [index, bytes] of next.bytes.entries()) {
      this.#checked.push({ bytes, leaf: leaves.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES) });
      this.#checkedBytes += bytes.length;
    }
  }

  async #checkAll(): Promise<void> {
    this.#submitGathered();
    while (this.#inFlight.length > 0) await this.#checkNext();
  }

  /** Begins to write what is checked, up to a checkpoint and, where the audit found something, up to the last one before that. */
  async #write(what: 'everything' | 'what is worth it'): Promise<void> {
    const { first } = this.#audit;
    const sound = first === undefined ? Infinity : (first.seq ?? 0);
    const due = this.#boundaries.filter(({ size }) => size <= this.#written + this.#checked.length);
    const broken = due.find(({ size }) => size > sound);
    const last = due.findLast(({ size }) => size <= sound);
    const isWorthIt =
      this.#checked.length >= COMMIT_ENTRIES || this.#checkedBytes >= COMMIT_BYTES || broken !== undefined;
    if (last !== undefined && (what === 'everything' || isWorthIt)) await this.#writeUpTo(last);
    if (first === undefined || broken === undefined) return;
    await this.#writing;
    throw new InvalidLog(first, broken);
  }

  async #writeUpTo(boundary: Checkpoint): Promise<void> {
    await this.#writing;
    const entries = this.#checked.slice(0, boundary.size - this.#written);
    this.#checked = this.#checked.slice(entries.length);
    this.#checkedBytes -= totalLength(entries.map(({ bytes }) => bytes));
    this.#boundaries = this.#boundaries.filter(({ size }) => size > boundary.size);
    this.#written = boundary.size;
    this.#writing = this.#copy.append(entries, boundary);
    // It is awaited in its turn; a failure before that must not count as unhandled.
    this.#writing.catch(() => undefined);
  }
}

function totalLength(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0);
}

/** What a source did that no honest one does. */
export function badSource(why: string): Error {
  return refused('bad-source', `The source of the log can't be used: ${why}.`, {
    hint: 'It is damaged, or not honest. Follow the log from another peer.',
  });
}
