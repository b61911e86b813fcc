import type { Result } from '../../base/result.ts';
import {
  type CheckBallots,
  type CheckedBallot,
  checkBallotsInline,
} from '../../belenios/v1/audit/ballot-judge.ts';
import { cryptography } from '../../belenios/v1/cryptography.ts';
import { type AuditThread, idlest, shareWork } from '../thread.ts';
import type { BallotRequest } from './ballot-worker.ts';

type Verdicts = readonly Result<CheckedBallot, string>[];

/** Judges ballots in threads and in the calling one. */
export interface BallotPool {
  readonly check: CheckBallots;
  /** Calls of `check` that keep all of them busy. */
  readonly atOnce: number;
}

/** Requests a thread has: one at work and one at hand. */
const PER_THREAD = 2;
/**
 * Requests that the calling thread may have taken upon itself before it must turn to the others' answers: as many as it gets done
 * while the threads are still starting.
 */
const OWN = 12;

/** The calling thread judges what is asked for while all threads are busy; without any, everything. */
export function ballotPool(threads: readonly AuditThread[]): BallotPool {
  const here = checkBallotsInline(cryptography);
  if (threads.length === 0) return { check: here, atOnce: 1 };
  const check = shareWork<BallotRequest, Verdicts>(threads, PER_THREAD, {
    send: (request) => idlest(threads).run(request),
    here: ({ electionText, ballotTexts }) => here(electionText, ballotTexts),
  });
  return {
    atOnce: threads.length * PER_THREAD + OWN,
    check: (electionText, ballotTexts) => check({ electionText, ballotTexts }),
  };
}
