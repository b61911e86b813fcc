import type { Policy } from '../election/entries.ts';
import { type CheckedCheckpoint, type CheckedEntries, checkCheckpoints, entryCheck } from './entry-check.ts';
import type { SealedContext } from './sealed-contexts.ts';

/** Entries in log order, their bytes one after another. The task takes the buffers over: they may be moved away. */
export interface EntryTask {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Length of each entry. */
  readonly lengths: Uint32Array<ArrayBuffer>;
  /** The election's; undefined when the log's first entry is no genesis. */
  readonly policy: Policy | undefined;
  /** The bytes of the genesis' CID, which enrolments are signed for; undefined as `policy` is. */
  readonly genesis: Uint8Array | undefined;
  /** Of a sealed election: the rounds that its ballots may be about. */
  readonly sealed: readonly SealedContext[];
}

export interface CheckpointTask {
  readonly texts: readonly string[];
  readonly origin: string;
  readonly publicKey: Uint8Array;
}

/** Does the part of an audit that needs no memory of other entries, and that costs the most, wherever it runs. */
export interface EntryChecker {
  /** How many tasks, handed over without waiting, keep it busy; more only take memory. */
  readonly depth: number;
  entries(task: EntryTask): Promise<CheckedEntries>;
  checkpoints(task: CheckpointTask): Promise<readonly CheckedCheckpoint[]>;
  /** Ends what it runs; tasks still in flight are dropped. */
  close(): Promise<void>;
}

/** Checks in the calling thread. */
export function inProcessChecker(): EntryChecker {
  const checkEntries = entryCheck();
  return {
    depth: 1,
    entries: (task) => Promise.resolve(checkEntries(task)),
    checkpoints: (task) => Promise.resolve(checkCheckpoints(task)),
    close: () => Promise.resolve(),
  };
}
