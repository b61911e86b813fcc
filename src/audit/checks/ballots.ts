import type { BallotEnvelope } from '../../election/ballot.ts';
import type { LogState } from '../../election/log-state.ts';
import type { RefusalSubject } from '../../election/refusal.ts';
import { BAD_SIGNATURE, type VoterStanding, refusals } from '../../election/rules.ts';
import type { CheckId, Findings } from '../report.ts';

/**
 * Judges a ballot in the log by the rules that a polling station goes by before it accepts one. Each reason to have refused
 * it is a finding of the check that it belongs to. True when there is none, and the ballot counts. Proofs of sealed ballots are judged elsewhere.
 */
export function judgeBallot(
  ballot: BallotEnvelope,
  at: { readonly seq: number; readonly time: number; readonly signed: boolean },
  state: LogState,
  standing: VoterStanding | undefined,
  findings: Findings,
): boolean {
  const found = refusals(ballot, state, at.time, standing);
  for (const { about, message } of found) findings.add({ check: CHECK_OF[about], seq: at.seq, message });
  // Of a key that is not on the roll nobody has checked that it is acceptable, so its signature says nothing.
  if (standing !== undefined && !at.signed) {
    const { about, message } = BAD_SIGNATURE;
    findings.add({ check: CHECK_OF[about], seq: at.seq, message });
    return false;
  }
  return found.length === 0;
}

const CHECK_OF: Readonly<Record<RefusalSubject, CheckId>> = {
  encoding: 'format',
  window: 'window',
  vote: 'votes',
  voter: 'eligibility',
  revote: 'revote',
  signature: 'signatures',
};
