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
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    });
    this.#worker.on('exit', (code) => {
      if (!this.#closing) this.#fail(new Error(`an audit thread ended by itself with code ${code}`));
    });
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

/** Lets the event loop come round once, so that answers which have come in are heard. */
export function hearAnswers(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
