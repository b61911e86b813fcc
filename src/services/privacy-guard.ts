import { refused } from '../base/errors.ts';
import type { Question } from '../election/entries.ts';
import type { RoundState } from '../election/log-state.ts';
import { type Concern, concernsOf } from '../election/small-groups.ts';
import type { ElectionLog } from './election-log.ts';
import type { VoterRecord } from './ports.ts';
import { votersIn } from './round-voters.ts';

/** What the result of a round on these questions would reveal if everybody on the roll voted; of open ballots nothing is hidden. */
export async function concernsBeforeOpening(
  log: ElectionLog,
  questions: readonly Question[],
): Promise<Concern[]> {
  return isSealed(log) ? concernsOf(await weightsOf(log.store.voters()), questions) : [];
}

/** What the result of a closed round would reveal, by who voted in it. */
export async function concernsBeforeCount(log: ElectionLog, { entry }: RoundState): Promise<Concern[]> {
  return isSealed(log) ? concernsOf(await weightsOf(votersIn(log.store, entry.round)), entry.questions) : [];
}

/** Throws `small-group` for any concern, where that is the election's policy. */
export function refuseIfRevealing({ genesis }: ElectionLog, concerns: readonly Concern[]): void {
  if (genesis.policy.smallGroups !== 'refuse' || concerns.length === 0) return;
  throw refused('small-group', concerns.map(({ message }) => message).join(' '), {
    hint: 'This election refuses to reveal votes. To count all the same, with the consent of those whom it shows: "admin count --reveal".',
  });
}

function isSealed({ genesis }: ElectionLog): boolean {
  return genesis.policy.secrecy === 'sealed';
}

async function weightsOf(voters: AsyncIterable<VoterRecord>): Promise<number[]> {
  const found: number[] = [];
  for await (const { weight } of voters) found.push(weight);
  return found;
}
