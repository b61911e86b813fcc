import { type OpenBallot } from '../../election/ballot.ts';
import { choiceProblems } from '../../election/choices.ts';
import type { LogState } from '../../election/log-state.ts';
import type { Refusal, RefusalCode } from '../../election/refusal.ts';
import { type VoterStanding, refusals } from '../../election/rules.ts';
import type { CheckId, Findings } from '../report.ts';

/**
 * Judges a ballot in the log by the rules that a polling station goes by before it accepts one. Each reason to have refused
 * it is a finding of the check that it belongs to. True when there is none, and the ballot counts.
 */
export function judgeBallot(
  ballot: OpenBallot,
  at: { readonly seq: number; readonly time: number; readonly signed: boolean },
  state: LogState,
  standing: VoterStanding | undefined,
  findings: Findings,
): boolean {
  const found = refusals(ballot, state, at.time, standing);
  if (found.length > 0) {
    const checks = checksOf(
      found,
      choiceProblems(ballot.choices, state.round?.entry.questions ?? []).length > 0,
    );
    for (const [index, { message }] of found.entries()) {
      findings.add({ check: checks[index] as CheckId, seq: at.seq, message });
    }
  }
  // Of a key that is not on the roll nobody has checked that it is acceptable, so its signature says nothing.
  if (standing !== undefined && !at.signed) {
    findings.add({
      check: 'signatures',
      seq: at.seq,
      message: "The ballot's signature is not valid for its voter's key.",
    });
    return false;
  }
  return found.length === 0;
}

const CHECK_OF: Readonly<Record<Exclude<RefusalCode, 'malformed'>, CheckId>> = {
  'too-large': 'format',
  'wrong-election': 'window',
  'not-open': 'window',
  closed: 'window',
  'unknown-voter': 'eligibility',
  'already-voted': 'revote',
  'bad-signature': 'signatures',
  'bad-proof': 'votes',
};

/**
 * To which check each refusal belongs. A ballot can be malformed in two ways: its choices are no valid vote, which comes
 * first among the refusals, or its number was not its voter's next one.
 */
function checksOf(found: readonly Refusal[], badChoices: boolean): CheckId[] {
  let choicesDue = badChoices;
  return found.map(({ code }) => {
    if (code !== 'malformed') return CHECK_OF[code];
    const check = choicesDue ? 'votes' : 'revote';
    choicesDue = false;
    return check;
  });
}
