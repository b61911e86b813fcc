import { availableParallelism } from 'node:os';
import type { CheckBallots, CheckedBallot } from '../../belenios/v1/audit/ballot-judge.ts';
import type { Result } from '../../base/result.ts';
import { Thread, idlest } from '../thread.ts';
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
  const script = new URL('./ballot-worker.js', import.meta.url);
  const threads = Array.from(
    { length: Math.max(1, workers) },
    () => new Thread<BallotRequest>(script, 'a thread that judges ballots', RESOURCE_LIMITS),
  );
  return {
    atOnce: threads.length * PER_WORKER,
    check: (electionText, ballotTexts) => idlest(threads).run<Verdicts>({ electionText, ballotTexts }),
    close: async () => {
      await Promise.all(threads.map((thread) => thread.close()));
    },
  };
}
