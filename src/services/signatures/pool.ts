import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { asError } from '../../base/errors.ts';
import { packTasks } from './packing.ts';
import type { SignatureTask, SignatureVerifier } from './verifier.ts';

/** Tasks in one message: its own cost is spread thin by then, and a first ballot doesn't wait for many behind it. */
const MAX_TASKS = 32;
/** Tasks that are worth a message as soon as they are there: one costs as much as a signature's verification. */
const ENOUGH_TASKS = 16;
/** How long tasks gather for a message at most, in ms, where the last one was sent no longer ago; a lone task never waits. */
const GATHER_MS = 2;

interface Pending {
  readonly task: SignatureTask;
  readonly resolve: (valid: boolean) => void;
  readonly reject: (reason: Error) => void;
}

/**
 * Verifies in `workers` threads (by default one for each core beside the caller's, at least one), so that the thread that
 * speaks to voters is free for it. Tasks that come in quick succession, or while all are busy, travel together.
 */
export function signaturePool(workers = Math.max(1, availableParallelism() - 1)): SignatureVerifier {
  let queue: Pending[] = [];
  /** Whether a dispatch is to come, and whether the first in the queue waits for nothing but a free thread. */
  let scheduled = false;
  let due = false;
  let lastSent = -Infinity;
  const members = new Set<Member>();
  const idle: Member[] = [];
  for (let i = 0; i < workers; i++) begin();

  function begin(): void {
    const member = new Member(ready, replace);
    members.add(member);
    idle.push(member);
  }
  /** For a thread that ended by itself: what it was verifying is lost, and nothing else. */
  function replace(member: Member): void {
    if (!members.delete(member)) return;
    const at = idle.indexOf(member);
    if (at !== -1) idle.splice(at, 1);
    begin();
    if (due) dispatch();
  }

  function ready(member: Member): void {
    idle.push(member);
    if (due) dispatch();
  }
  function schedule(): void {
    if (queue.length >= ENOUGH_TASKS) {
      dispatch();
    } else if (!scheduled && !due) {
      scheduled = true;
      const wait = lastSent + GATHER_MS - performance.now();
      // What arrives in one turn of the event loop is sent together in any case.
      if (wait <= 0) setImmediate(dispatch);
      else setTimeout(dispatch, wait);
    }
  }
  function dispatch(): void {
    scheduled = false;
    while (queue.length > 0) {
      const member = idle.pop();
      if (member === undefined) break;
      const batch = queue.slice(0, MAX_TASKS);
      queue = queue.slice(MAX_TASKS);
      lastSent = performance.now();
      member.run(batch);
    }
    due = queue.length > 0;
  }

  return {
    verify: (task) =>
      new Promise((resolve, reject) => {
        queue.push({ task, resolve, reject });
        schedule();
      }),
    close: async () => {
      await Promise.all([...members].map((member) => member.close()));
    },
  };
}

class Member {
  readonly #worker = new Worker(new URL('./worker.js', import.meta.url));
  #running: readonly Pending[] = [];
  #closing = false;

  constructor(onReady: (member: Member) => void, onEnd: (member: Member) => void) {
    const fail = (error: Error) => {
      for (const { reject } of this.#running) reject(error);
      this.#running = [];
      onEnd(this);
    };
    this.#worker.on('message', (verdicts: Uint8Array) => {
      const done = this.#running;
      this.#running = [];
      this.#worker.unref();
      done.forEach(({ resolve }, index) => {
        resolve(verdicts[index] === 1);
      });
      onReady(this);
    });
    this.#worker.on('error', (error) => {
      fail(asError(error));
    });
    this.#worker.on('exit', (code) => {
      if (!this.#closing) fail(new Error(`a signature worker ended by itself with code ${code}`));
    });
    // An idle thread keeps no program from ending; one at work does.
    this.#worker.unref();
  }

  run(batch: readonly Pending[]): void {
    this.#running = batch;
    this.#worker.ref();
    const packed = packTasks(batch.map(({ task }) => task));
    this.#worker.postMessage(packed, [packed.bytes.buffer]);
  }

  async close(): Promise<void> {
    this.#closing = true;
    await this.#worker.terminate();
  }
}
