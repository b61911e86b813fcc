import type { AuditReport, AuditedRound } from '../../audit/report.ts';
import { refused } from '../../base/errors.ts';
import { type Concern, concernsOf } from '../../election/small-groups.ts';

/** What the result of a closed sealed round would show of single voters, by the ballots that were counted; of the newest unless named. */
export function concernsOfSum(
  { rounds }: AuditReport,
  round: AuditedRound | undefined = rounds.at(-1),
): Concern[] {
  return round?.sealed === undefined
    ? []
    : concernsOf(weightsOf(round.sealed.weights), round.round.questions);
}

/** Throws `small-group` for any concern, where the election's policy refuses to reveal votes. */
export function refuseIfRevealing({ election }: AuditReport, concerns: readonly Concern[]): void {
  if (election?.policy.smallGroups !== 'refuse' || concerns.length === 0) return;
  throw refused('small-group', concerns.map(({ message }) => message).join(' '), {
    hint: 'This election refuses to reveal votes, and nothing was decrypted. With the consent of those whom it shows: --reveal.',
  });
}

function* weightsOf(voters: ReadonlyMap<number, number>): Generator<number> {
  for (const [weight, count] of voters) for (let i = 0; i < count; i++) yield weight;
}
