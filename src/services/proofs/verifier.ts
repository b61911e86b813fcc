import { sealJudge } from '../../belenios/v1/sealed-ballot.ts';
import { verifyWithAcceptableKey } from '../../crypto/signature.ts';
import type { SignatureTask } from '../signatures/verifier.ts';

/** A sealed ballot to judge, for the round that is this election in the sealing protocol's terms, with its voter's signature. */
export interface ProofTask extends SignatureTask {
  readonly electionText: string;
  readonly sealed: string;
}

/** `bad-signature`, or why the sealed vote is not valid; null for a valid ballot. */
export type ProofVerdict = 'bad-signature' | { readonly problem: string } | null;

/** What a thread answers: the verdict, or what went wrong in reaching one. */
export type ProofAnswer = { readonly verdict: ProofVerdict } | { readonly defect: string };

/** Judges sealed ballots before they are accepted, wherever that runs. */
export interface ProofVerifier {
  /** The voter's key must be the credential that sealed the vote. Rejects only where the verifier itself failed: that is a defect. */
  verify(task: ProofTask): Promise<ProofVerdict>;
  /** Ends what it runs. Nothing may be under way. */
  close(): Promise<void>;
}

/** The judgement itself; what depends on the election alone is kept for the next vote on it. */
export function proofCheck(): (task: ProofTask) => ProofVerdict {
  const judge = sealJudge();
  return ({ electionText, sealed, key, signature, message }) => {
    if (!verifyWithAcceptableKey(signature, message, key)) return 'bad-signature';
    const judged = judge({ electionText, sealed, voter: key });
    return judged.ok ? null : { problem: judged.error };
  };
}

/** Judges in the calling thread. */
export function inThreadProofs(): ProofVerifier {
  const check = proofCheck();
  return { verify: (task) => Promise.resolve(check(task)), close: () => Promise.resolve() };
}
