import { asError } from '../base/errors.ts';
import { type ResourceLimits, Worker } from 'node:worker_threads';

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (reason: Error) => void;
}

/**
 * A thread of an audit, which answers each request with one message, in the order of the requests. One that fails rejects every
 * request that it has or gets: that is a defect.
 */
export class AuditThread {
  readonly #worker: Worker;
  /** Requests sent and not answered. */
  readonly #waiting: Waiting[] = [];
  #failure: Error | undefined;
  #closing = false;

  constructor(script: URL, resourceLimits: ResourceLimits) {
    this.#worker = new Worker(script, { resourceLimits });
    this.#worker.on('message', (result: unknown) => this.#waiting.shift()?.resolve(result));
    this.#worker.on('error', (error) => {
      this.#fail(asError(error));
    });
    this.#worker.on('exit', (code) => {
      if (!this.#closing) this.#fail(new Error(`an audit thread ended by itself with code ${code}`));
    });
  }

  /** Whether it ended by itself, and can do nothing more. */
  get hasFailed(): boolean {
    return this.#failure !== undefined;
  }

  get load(): number {
    return this.#waiting.length;
  }

  /** The caller knows what the thread's script answers a request with. */
  run<T>(request: unknown, transfer: ArrayBuffer[] = []): Promise<T> {
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

/** The thread with the fewest requests; there must be one. */
export function idlest(threads: readonly AuditThread[]): AuditThread {
  return threads.reduce((best, thread) => (thread.load < best.load ? thread : best));
}

/**
 * Shares tasks among the threads and the calling one, which does `here` what comes while each thread has `most` requests, and has
 * `send` send the others. Own tasks are taken one at a time, and only after answers that came in meanwhile were heard: else the
 * threads would run dry unnoticed.
 */
export function shareWork<Task, Answer>(
  threads: readonly AuditThread[],
  most: number,
  { send, here }: { send: (task: Task) => Promise<Answer>; here: (task: Task) => Answer | Promise<Answer> },
): (task: Task) => Promise<Answer> {
  const allBusy = () => idlest(threads).load >= most;
  let turn: Promise<void> = Promise.resolve();
  return (task) => {
    if (!allBusy()) return send(task);
    // The answer is wrapped, since the next turn waits for the decision alone.
    const decided = turn.then(hearAnswers).then(() => ({ answer: allBusy() ? here(task) : send(task) }));
    turn = decided.then(() => undefined);
    // Whoever asked gets the failure from `decided`; here it must only not count as unhandled.
    turn.catch(() => undefined);
    return decided.then(({ answer }) => answer);
  };
}

/** Lets the event loop come round once, so that answers which have come in are heard. */
function hearAnswers(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
