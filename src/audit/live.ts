import { equalBytes } from '../base/bytes.ts';
import { cidOf } from '../crypto/cid.ts';
import type { GenesisEntry } from '../election/entries.ts';
import type { EntryChecker } from './checker.ts';
import { CommitmentCheck } from './checks/commitments.ts';
import type { CheckedEntries } from './entry-check.ts';
import { LogFold } from './fold.ts';
import { Lookout } from './lookout.ts';
import { type Finding, Findings } from './report.ts';
import { SealedContexts } from './sealed-contexts.ts';

/** Entries that are being checked, in the order of the log. */
export interface SubmittedEntries {
  readonly bytes: readonly Uint8Array[];
  readonly checked: Promise<CheckedEntries>;
}

/**
 * The audit of a log that grows: every entry is checked as `audit` checks it, for as long as the log lives. Entries are
 * submitted, which starts their check in the checker's threads, and then taken in the same order. What commits the log to its
 * entries (checkpoints) is the caller's to compare.
 */
export class LiveAudit {
  readonly #checker: EntryChecker;
  readonly #genesis: GenesisEntry;
  readonly #genesisBytes: Uint8Array;
  readonly #contexts: SealedContexts | undefined;
  readonly #findings = new Findings();
  readonly #fold: LogFold;
  #submitted = 0;

  /** `genesis` is what the log must begin with. The caller closes the checker. */
  constructor(checker: EntryChecker, genesis: { readonly entry: GenesisEntry; readonly bytes: Uint8Array }) {
    this.#checker = checker;
    this.#genesis = genesis.entry;
    this.#genesisBytes = genesis.bytes;
    this.#contexts =
      genesis.entry.policy.secrecy === 'sealed' ? new SealedContexts(genesis.entry) : undefined;
    const tree = new CommitmentCheck([], this.#findings);
    this.#fold = new LogFold(this.#findings, tree, undefined, this.#contexts, new Lookout([]));
  }

  /** How many submissions, not taken yet, keep the checker busy. */
  get depth(): number {
    return this.#checker.depth;
  }

  /** Entries taken. */
  get size(): number {
    return this.#fold.size;
  }

  /** What is wrong first; undefined while all is well. */
  get first(): Finding | undefined {
    return this.#findings.first;
  }

  /** Starts the check of the entries that follow those submitted before. */
  submit(bytes: readonly Uint8Array[]): SubmittedEntries {
    const [first] = bytes;
    if (this.#submitted === 0 && first !== undefined && !equalBytes(first, this.#genesisBytes))
      this.#findings.add({ check: 'format', seq: 0, message: 'the log begins with another genesis' });
    this.#submitted += bytes.length;
    const packed = pack(bytes);
    const sealed = this.#contexts?.learn(packed) ?? [];
    const checked = this.#checker.entries({
      ...packed,
      policy: this.#genesis.policy,
      genesis: cidOf(this.#genesisBytes).bytes,
      sealed,
    });
    // It is awaited when it is taken; a failure before that must not count as unhandled.
    checked.catch(() => undefined);
    return { bytes, checked };
  }

  /** Judges the oldest submission that was not taken, which `entries` must be; resolves to its columns. */
  async take(entries: SubmittedEntries): Promise<CheckedEntries> {
    const checked = await entries.checked;
    await this.#fold.take(checked);
    return checked;
  }
}

function pack(entries: readonly Uint8Array[]) {
  const bytes = new Uint8Array(entries.reduce((sum, { length }) => sum + length, 0));
  const lengths = new Uint32Array(entries.length);
  let offset = 0;
  for (const [index, entry] of entries.entries()) {
    bytes.set(entry, offset);
    offset += entry.length;
    lengths[index] = entry.length;
  }
  return { bytes, lengths };
}
