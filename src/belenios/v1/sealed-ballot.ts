import { equalBytes } from '../../base/bytes.ts';
import { type Result, err } from '../../base/result.ts';
import { electionJudge } from './audit/ballot-judge.ts';
import type { VerifiedBallot } from './ballot.ts';
import { cryptography } from './cryptography.ts';

/** A sealed ballot of ours, as far as its protocol is concerned. */
export interface CastSeal {
  /** The round as an election (`SealedRound`). */
  readonly electionText: string;
  readonly sealed: string;
  /** The voter's key. */
  readonly voter: Uint8Array;
}

/** Judges a sealed ballot by itself; the error says what is wrong with it. */
export type SealJudge = (cast: CastSeal) => Result<VerifiedBallot, string>;

/**
 * The judge of sealed ballots, the same for who accepts them and for who audits them: text, inner signature and proofs must hold, and the
 * credential must be the voter's key. It keeps what depends on the last round alone.
 */
export function sealJudge(): SealJudge {
  const judge = electionJudge(cryptography);
  return ({ electionText, sealed, voter }) => {
    const judged = judge(electionText, sealed);
    return !judged.ok || equalBytes(judged.value.credential, voter)
      ? judged
      : err('it is sealed with the credential of another voter');
  };
}
