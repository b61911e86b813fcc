import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { type EntryChecker, type EntryTask, inProcessChecker } from './checker.ts';
import { type CheckedCheckpoint, type CheckedEntries, entryCheck } from './entry-check.ts';
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
/** In MiB, per worker. A task's garbage dies young; the rest bounds what a hostile entry could make a worker take. */
const RESOURCE_LIMITS = { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 96 };

/**
 * Checks in the calling thread at first, and in `workers` more once a log proves long, or from the beginning where it is
 * `knownLong`. By default all of the machine's cores are at work then; with 0 workers the calling thread is alone.
 */
export function createChecker({
  workers = availableParallelism() - 1,
  knownLong = false,
}: { readonly workers?: number | undefined; readonly knownLong?: boolean } = {}): EntryChecker {
  const local = inProcessChecker();
  let seen = 0;
  let pool: EntryChecker | undefined = knownLong && workers > 0 ? workerPool(workers) : undefined;
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

/**
 * Checks in `workers` threads, and in the calling thread what is asked for while all of them are busy: its own work, the
 * fold, leaves most of a core free. A worker that fails rejects every task that it has or gets: that is a defect.
 */
export function workerPool(workers: number): EntryChecker {
  const members = Array.from({ length: workers }, () => new Member());
  const checkEntries = entryCheck();
  const idlest = () => members.reduce((best, member) => (member.load < best.load ? member : best));
  const allBusy = () => idlest().load >= TASKS_PER_WORKER;
  const send = (task: EntryTask) =>
    idlest().run<CheckedEntries>({ kind: 'entries', task }, [task.bytes.buffer, task.lengths.buffer]);
  // Own tasks are taken one at a time, and only after answers that came in meanwhile were heard: else the workers would
  // run dry unnoticed.
  let turn: Promise<void> = Promise.resolve();
  return {
    depth: workers * TASKS_PER_WORKER + OWN_TASKS,
    entries: (task) => {
      if (!allBusy()) return send(task);
      const decided = turn
        .then(hearAnswers)
        .then(() => ({ checked: allBusy() ? checkEntries(task) : send(task) }));
      turn = decided.then(() => undefined);
      turn.catch(() => undefined);
      return decided.then(({ checked }) => checked);
    },
    checkpoints: (task) => idlest().run<CheckedCheckpoint[]>({ kind: 'checkpoints', task }, []),
    close: async () => {
      await Promise.all(members.map((member) => member.close()));
    },
  };
}

/** Lets the event loop come round once. */
function hearAnswers(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (reason: Error) => void;
}

class Member {
  readonly #worker = new Worker(new URL('./worker.js', import.meta.url), { resourceLimits: RESOURCE_LIMITS });
  /** Tasks sent and not answered; answers come in the same order. */
  readonly #waiting: Waiting[] = [];
  #failure: Error | undefined;
  #closing = false;

  constructor() {
    this.#worker.on('message', (result: unknown) => this.#waiting.shift()?.resolve(result));
    this.#worker.on('error', (error) => {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    });
    this.#worker.on('exit', (code) => {
      if (!this.#closing) this.#fail(new Error(`an audit worker ended by itself with code ${code}`));
    });
  }

  get load(): number {
    return this.#waiting.length;
  }

  /** The caller knows what a request is answered with: worker.ts. */
  run<T>(request: WorkerRequest, transfer: ArrayBuffer[]): Promise<T> {
    return new Promise<unknown>((resolve, reject) => {
      if (this.#failure !== undefined) {
        reject(this.#failure);
        return;
      }
      this.#waiting.push({ resolve, reject });
      this.#worker.postMessage(request, transfer);
    }) as Promise<T>;
  }

  async close(): Promise<void> {
    this.#closing = true;
    await this.#worker.terminate();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}
