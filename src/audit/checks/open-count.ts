import type { OpenBallot } from '../../election/ballot.ts';
import type { RoundEntry } from '../../election/entries.ts';
import { type RoundResult, RoundTally } from '../../tally/tally.ts';
import type { VoterTable } from '../voter-table.ts';
import { VoteTable } from '../votes.ts';

/** Counts the open ballots of a round as they come, each in place of the same voter's earlier one. */
export class OpenCount {
  readonly #round: RoundEntry;
  readonly #voters: VoterTable;
  readonly #tally: RoundTally;
  readonly #votes = new VoteTable();

  constructor(
    round: RoundEntry,
    roll: { readonly voters: number; readonly weight: number },
    voters: VoterTable,
  ) {
    this.#round = round;
    this.#voters = voters;
    this.#tally = new RoundTally(round.questions, roll);
  }

  count(voter: number, ballot: OpenBallot, packed: string): void {
    const { round } = this.#round;
    const before = this.#voters.standing(voter);
    const replaced = before.round === round ? this.#votes.release(this.#voters.vote(voter)) : undefined;
    this.#tally.add(ballot.choices, before.weight, replaced);
    this.#voters.record(voter, round, ballot.number, this.#votes.hold(packed, ballot.choices));
  }

  result(): RoundResult {
    return this.#tally.result();
  }
}
