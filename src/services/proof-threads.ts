import { availableParallelism } from 'node:os';
import { startBallotThreads } from '../audit/archive/ballot-threads.ts';
import { idlest } from '../audit/thread.ts';
import type { CheckBallots } from '../belenios/v1/audit/ballot-judge.ts';

/** Judges sealed ballots while an election runs. */
export interface ProofThreads {
  readonly check: CheckBallots;
  close(): Promise<void>;
}

/** In threads of its own alone, by default one for each core: the calling thread must stay free for voters. */
export function proofThreads(count = availableParallelism()): ProofThreads {
  const threads = startBallotThreads(count);
  return {
    check: (electionText, ballotTexts) => idlest(threads).run({ electionText, ballotTexts }),
    close: async () => {
      await Promise.all(threads.map((thread) => thread.close()));
    },
  };
}
