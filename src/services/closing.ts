import { refused } from '../base/errors.ts';
import { decodeBallot } from '../belenios/v1/encoding/ballot.ts';
import { problemText } from '../belenios/v1/encoding/problem.ts';
import { encodeEncryptedTally } from '../belenios/v1/encoding/tally.ts';
import type { SealedRound } from '../belenios/v1/sealed-round.ts';
import { TallySum } from '../belenios/v1/tally.ts';
import { type Ballot, readBallot } from '../election/ballot.ts';
import type { TallyEntry, Turnout } from '../election/entries.ts';
import type { RoundState } from '../election/log-state.ts';
import { decodeEntry } from '../log/entry-codec.ts';
import { type RoundResult, RoundTally } from '../tally/tally.ts';
import type { Store, VoterRecord } from './ports.ts';
import { votersIn } from './round-voters.ts';

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
  for await (const { voter, ballot, seq } of countedBallots(store, round)) {
    if (ballot.form !== 'open') throw damaged(seq, 'an open ballot');
    tally.add(ballot.choices, voter.weight);
    replaced += voter.number - 1;
  }
  const { turnout, questions } = tally.result();
  return { turnout: { ...turnout, ballots: turnout.ballots + replaced }, questions };
}

/** Adds a sealed round's ballots up under encryption: each voter's last, times the voter's weight (4.18). Throws `store-damaged`. */
export async function sumRound(
  store: Store,
  round: RoundState,
  { election }: SealedRound,
): Promise<Pick<TallyEntry, 'numTallied' | 'totalWeight' | 'encryptedTally'>> {
  const sum = new TallySum(election);
  let numTallied = 0;
  let totalWeight = 0;
  for await (const { voter, ballot, seq } of countedBallots(store, round)) {
    if (ballot.form !== 'sealed') throw damaged(seq, 'a sealed ballot');
    const read = decodeBallot(ballot.sealed);
    if (!read.ok) throw damaged(seq, `a sealed ballot (${problemText(read.error)})`);
    sum.add(
      read.value.answers.map(({ choices }) => choices),
      BigInt(voter.weight),
    );
    numTallied++;
    totalWeight += voter.weight;
  }
  return { numTallied, totalWeight, encryptedTally: encodeEncryptedTally(sum.value()) };
}

/** Who took part in a round, from the index. */
export async function turnoutOf(
  store: Store,
  { entry }: RoundState,
  roll: { readonly voters: number; readonly weight: number },
): Promise<Turnout> {
  let [voted, votedWeight, ballots] = [0, 0, 0];
  for await (const voter of votersIn(store, entry.round)) {
    voted++;
    votedWeight += voter.weight;
    ballots += voter.number;
  }
  return { ...roll, voted, votedWeight, ballots };
}

interface Counted {
  readonly voter: VoterRecord;
  readonly ballot: Ballot;
  readonly seq: number;
}

async function* countedBallots(store: Store, { entry }: RoundState): AsyncGenerator<Counted> {
  for await (const voter of votersIn(store, entry.round))
    yield { voter, ballot: await ballotAt(store, voter.seq), seq: voter.seq };
}

async function ballotAt(store: Store, seq: number): Promise<Ballot> {
  const bytes = await store.entry(seq);
  const entry = bytes === undefined ? undefined : decodeEntry(bytes);
  if (entry?.ok === true && entry.value.kind === 'ballot') {
    const ballot = readBallot(entry.value.ballot);
    if (ballot.ok) return ballot.value;
  }
  throw damaged(seq, 'a ballot');
}

function damaged(seq: number, what: string): Error {
  return refused('store-damaged', `Entry ${seq} should be ${what}, and can't be read as one.`, {
    hint: 'Nothing was changed. Run verify-log on the data folder, and restore it from a copy.',
  });
}
