import { refused } from '../base/errors.ts';
import { type Choice, readBallot } from '../election/ballot.ts';
import type { RoundState } from '../election/log-state.ts';
import { decodeEntry } from '../log/entry-codec.ts';
import { type RoundResult, RoundTally } from '../tally/tally.ts';
import type { Store } from './ports.ts';

/**
 * Counts a round from the index: each voter's last ballot, once. (The audit counts the same ballots in the log's
 * order, taking replaced ones back, so that neither route can err unnoticed.) Throws `store-damaged`.
 */
export async function countRound(
  store: Store,
  round: RoundState,
  roll: { readonly voters: number; readonly weight: number },
): Promise<RoundResult> {
  const tally = new RoundTally(round.entry.questions, roll);
  let replaced = 0;
  for await (const voter of store.voters()) {
    if (voter.round !== round.entry.round || voter.seq === null) continue;
    tally.add(await choicesAt(store, voter.seq), voter.weight);
    replaced += voter.number - 1;
  }
  const { turnout, questions } = tally.result();
  return { turnout: { ...turnout, ballots: turnout.ballots + replaced }, questions };
}

async function choicesAt(store: Store, seq: number): Promise<readonly Choice[]> {
  const bytes = await store.entry(seq);
  const entry = bytes === undefined ? undefined : decodeEntry(bytes);
  if (entry?.ok === true && entry.value.kind === 'ballot') {
    const ballot = readBallot(entry.value.ballot);
    if (ballot.ok) return ballot.value.choices;
  }
  throw refused('store-damaged', `Entry ${seq} should be a ballot, and can't be read as one.`, {
    hint: 'Nothing was changed. Run verify-log on the data folder, and restore it from a copy.',
  });
}
