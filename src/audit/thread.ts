import { type ResourceLimits, Worker } from 'node:worker_threads';

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (reason: Error) => void;
}

/**
 * A worker thread that answers each request with one message, in the order in which they came. One that fails rejects every
 * request that it has or gets: that is a defect. Idle it keeps no program from ending; at work it does.
 */
export class Thread<Request> {
  readonly #worker: Worker;
  /** Requests sent and not answered. */
  readonly #waiting: Waiting[] = [];
  #failure: Error | undefined;
  #closing = false;

  /** `what` names the thread in errors. */
  constructor(script: URL, what: string, resourceLimits: ResourceLimits = {}) {
    this.#worker = new Worker(script, { resourceLimits });
    this.#worker.unref();
    this.#worker.on('message', (result: unknown) => {
      const answered = this.#waiting.shift();
      if (this.#waiting.length === 0) this.#worker.unref();
      answered?.resolve(result);
    });
    this.#worker.on('error', (error) => {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    });
    this.#worker.on('exit', (code) => {
      if (!this.#closing) this.#fail(new Error(`${what} ended by itself with code ${code}`));
    });
  }

  /** Requests that are not answered yet. */
  get load(): number {
    return this.#waiting.length;
  }

  /** The caller knows what its script answers a request with. */
  run<T>(request: Request, transfer: ArrayBuffer[] = []): Promise<T> {
    return new Promise<unknown>((resolve, reject) => {
      if (this.#failure !== undefined) {
        reject(this.#failure);
        return;
      }
      this.#waiting.push({ resolve, reject });
      this.#worker.ref();
      this.#worker.postMessage(request, transfer);
    }) as Promise<T>;
  }

  /** Ends the thread; requests still in flight are dropped. */
  async close(): Promise<void> {
    this.#closing = true;
    await this.#worker.terminate();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}

/** The thread with the least to do. Throws RangeError for none. */
export function idlest<Request>(threads: readonly Thread<Request>[]): Thread<Request> {
  const [first, ...rest] = threads;
  if (first === undefined) throw new RangeError('a pool without threads');
  return rest.reduce((best, thread) => (thread.load < best.load ? thread : best), first);
}
