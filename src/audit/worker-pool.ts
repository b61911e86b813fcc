import { availableParallelism } from 'node:os';
import { type EntryChecker, type EntryTask, inProcessChecker } from './checker.ts';
import { type CheckedCheckpoint, type CheckedEntries, entryCheck } from './entry-check.ts';
import { startEntryThreads } from './entry-threads.ts';
import { type AuditThread, idlest, shareWork } from './thread.ts';
import type { WorkerRequest } from './worker-protocol.ts';

/**
 * Starting a worker takes about as long as checking this much, a thousand ballots or the keys of as many voters, so a shorter
 * log is checked without any.
 */
const BYTES_BEFORE_POOL = 256 * 1024;
/** How much longer a byte of a sealed ballot takes than one of an open ballot. */
const SEALED_WEIGHT = 6;
/** One task at work and some at hand, so that no worker runs dry while the calling thread checks a task or two itself. */
const TASKS_PER_WORKER = 3;
/** Tasks that the calling thread may have taken upon itself before it must turn to the workers' answers. */
const OWN_TASKS = 4;

/**
 * Checks in the calling thread at first, and in `workers` more once a log proves long, or from the beginning in the `threads`
 * that were started for one that is known to be. By default all of the machine's cores are at work then; with 0 workers
 * the calling thread is alone.
 */
export function createChecker({
  workers = availableParallelism() - 1,
  threads = [],
}: {
  readonly workers?: number | undefined;
  readonly threads?: readonly AuditThread[];
} = {}): EntryChecker {
  const local = inProcessChecker();
  let seen = 0;
  let pool: EntryChecker | undefined = threads.length > 0 ? poolOf(threads) : undefined;
  const current = () => pool ?? local;
  return {
    get depth() {
      return current().depth;
    },
    entries: (task) => {
      // A sealed ballot takes as long as a hundred open ones.
      seen += task.sealed.length > 0 ? SEALED_WEIGHT * task.bytes.length : task.bytes.length;
      if (workers > 0 && seen > BYTES_BEFORE_POOL) pool ??= workerPool(workers);
      return current().entries(task);
    },
    checkpoints: (task) => current().checkpoints(task),
    close: () => current().close(),
  };
}

/** Checks in `workers` threads more than the calling one. */
export function workerPool(workers: number): EntryChecker {
  return poolOf(startEntryThreads(workers));
}

/**
 * Checks in the threads, and in the calling thread what is asked for while all of them are busy: its own work, the
 * fold, leaves most of a core free.
 */
function poolOf(threads: readonly AuditThread[]): EntryChecker {
  const ask = <T>(request: WorkerRequest, transfer: ArrayBuffer[] = []) =>
    idlest(threads).run<T>(request, transfer);
  return {
    depth: threads.length * TASKS_PER_WORKER + OWN_TASKS,
    entries: shareWork<EntryTask, CheckedEntries>(threads, TASKS_PER_WORKER, {
      send: (task) => ask({ kind: 'entries', task }, [task.bytes.buffer, task.lengths.buffer]),
      here: entryCheck(),
    }),
    checkpoints: (task) => ask<CheckedCheckpoint[]>({ kind: 'checkpoints', task }),
    close: async () => {
      await Promise.all(threads.map((thread) => thread.close()));
    },
  };
}
