import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { CheckBallots, CheckedBallot } from '../../belenios/v1/audit/ballot-judge.ts';
import type { Result } from '../../base/result.ts';
import type { BallotRequest } from './ballot-worker.ts';

type Verdicts = readonly Result<CheckedBallot, string>[];

/** Judges ballots in threads of its own. */
export interface BallotPool {
  readonly check: CheckBallots;
  /** Calls of `check` that keep all threads busy. */
  readonly atOnce: number;
  close(): Promise<void>;
}

/** Requests a thread has: one at work and one at hand. */
const PER_WORKER = 2;
/** In MiB, per thread: bounds what a hostile archive could make it take. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 128 };

/** A pool of `workers` threads, by default one for each core: beside the ballots an audit of an archive has next to nothing to do. */
export function ballotPool(workers = availableParallelism()): BallotPool {
  const members = Array.from({ length: Math.max(1, workers) }, () => new Member());
  return {
    atOnce: members.length * PER_WORKER,
    check: (electionText, ballotTexts) =>
      members
        .reduce((best, member) => (member.load < best.load ? member : best))
        .run({ electionText, ballotTexts }),
    close: async () => {
      await Promise.all(members.map((member) => member.close()));
    },
  };
}

class Member {
  readonly #worker = new Worker(new URL('./ballot-worker.js', import.meta.url), {
    resourceLimits: RESOURCE_LIMITS,
  });
  /** Requests sent and not answered; answers come in the same order. */
  readonly #waiting: { resolve: (verdicts: Verdicts) => void; reject: (reason: Error) => void }[] = [];
  #failure: Error | undefined;
  #closing = false;

  constructor() {
    this.#worker.on('message', (verdicts: Verdicts) => this.#waiting.shift()?.resolve(verdicts));
    this.#worker.on('error', (error) => {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    });
    this.#worker.on('exit', (code) => {
      if (!this.#closing) this.#fail(new Error(`a thread that judges ballots ended with code ${code}`));
    });
  }

  get load(): number {
    return this.#waiting.length;
  }

  run(request: BallotRequest): Promise<Verdicts> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) {
        reject(this.#failure);
        return;
      }
      this.#waiting.push({ resolve, reject });
      this.#worker.postMessage(request);
    });
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
