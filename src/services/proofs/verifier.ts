import { equalBytes } from '../../base/bytes.ts';
import type { Result } from '../../base/result.ts';
import { type BallotJudge, ballotJudge } from '../../belenios/v1/audit/ballot-judge.ts';
import { cryptography } from '../../belenios/v1/cryptography.ts';
import { verifyWithAcceptableKey } from '../../crypto/signature.ts';
import type { SignatureTask } from '../signatures/verifier.ts';

/** A sealed ballot to judge, for the round that is this election in the sealing protocol's terms, with its voter's signature. */
export interface ProofTask extends SignatureTask {
  readonly electionText: string;
  readonly sealed: string;
}

/** `bad-signature`, or why the sealed vote is not valid; null for a valid ballot. */
export type ProofVerdict = 'bad-signature' | { readonly problem: string } | null;

/** Judges sealed ballots before they are accepted, wherever that runs. */
export interface ProofVerifier {
  /** The voter's key must be the credential that sealed the vote. Rejects only where the verifier itself failed: that is a defect. */
  verify(task: ProofTask): Promise<ProofVerdict>;
  /** Ends what it runs. Nothing may be under way. */
  close(): Promise<void>;
}

/** The judgement itself; what depends on the election alone is kept for the next vote on it. */
export function proofCheck(): (task: ProofTask) => ProofVerdict {
  let kept: { readonly electionText: string; readonly judge: Result<BallotJudge, string> } | undefined;
  return ({ electionText, sealed, key, signature, message }) => {
    if (!verifyWithAcceptableKey(signature, message, key)) return 'bad-signature';
    if (kept?.electionText !== electionText)
      kept = { electionText, judge: ballotJudge(electionText, cryptography) };
    const { judge } = kept;
    const judged = judge.ok ? judge.value(sealed) : judge;
    if (!judged.ok) return { problem: judged.error };
    return equalBytes(judged.value.credential, key)
      ? null
      : { problem: 'it is sealed with the credential of another voter' };
  };
}

/** Judges in the calling thread. */
export function inThreadProofs(): ProofVerifier {
  const check = proofCheck();
  return { verify: (task) => Promise.resolve(check(task)), close: () => Promise.resolve() };
}
