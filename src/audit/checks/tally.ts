import { equalBytes } from '../../base/bytes.ts';
import { encodeDagCbor } from '../../base/dag-cbor.ts';
import type { OpenBallot } from '../../election/ballot.ts';
import type { ResultEntry, RoundEntry } from '../../election/entries.ts';
import { type RoundResult, RoundTally } from '../../tally/tally.ts';
import type { AuditedRound, Findings } from '../report.ts';
import { VoteTable } from '../votes.ts';
import type { VoterTable } from '../voter-table.ts';

interface CountedRound {
  readonly round: RoundEntry;
  readonly tally: RoundTally;
  closed: boolean;
  published: boolean;
}

/** Counts every round again, from the ballots that the other checks let pass, and compares with what was published. */
export class TallyCheck {
  readonly #findings: Findings;
  readonly #voters: VoterTable;
  readonly #rounds: CountedRound[] = [];
  #votes = new VoteTable();

  constructor(voters: VoterTable, findings: Findings) {
    this.#voters = voters;
    this.#findings = findings;
  }

  open(round: RoundEntry, roll: { readonly voters: number; readonly weight: number }): void {
    this.#rounds.push({
      round,
      tally: new RoundTally(round.questions, roll),
      closed: false,
      published: false,
    });
    this.#votes = new VoteTable();
  }

  /** Counts a ballot of the current round in place of the same voter's earlier one. */
  count(voter: number, ballot: OpenBallot, packed: string): void {
    const { round, tally } = this.#current();
    const before = this.#voters.standing(voter);
    const replaced = before.round === round.round ? this.#votes.release(this.#voters.vote(voter)) : undefined;
    tally.add(ballot.choices, before.weight, replaced);
    this.#voters.record(voter, round.round, ballot.number, this.#votes.hold(packed, ballot.choices));
  }

  close(): void {
    this.#current().closed = true;
  }

  compare(published: ResultEntry): void {
    const current = this.#current();
    current.published = true;
    for (const message of differences(published, current.tally.result(), current.round)) {
      this.#findings.add({ check: 'tally', seq: published.seq, message });
    }
  }

  rounds(): AuditedRound[] {
    return this.#rounds.map(({ round, tally, closed, published }) => ({
      round,
      result: tally.result(),
      closed,
      published,
    }));
  }

  #current(): CountedRound {
    const current = this.#rounds.at(-1);
    if (current === undefined) throw new Error('no round was opened');
    return current;
  }
}

/** Where a published result isn't the recomputed one. */
function differences(published: RoundResult, counted: RoundResult, round: RoundEntry): string[] {
  const found: string[] = [];
  const differ = (what: string, theirs: number | undefined, ours: number) => {
    if (theirs !== ours) found.push(`${what}: the result says ${theirs ?? 'nothing'}, the log gives ${ours}`);
  };
  for (const field of ['voters', 'weight', 'voted', 'votedWeight', 'ballots'] as const) {
    differ(`turnout, ${field}`, published.turnout[field], counted.turnout[field]);
  }
  for (const [index, question] of round.questions.entries()) {
    const theirs = published.questions[index];
    const ours = counted.questions[index];
    if (ours === undefined) continue;
    for (const [place, answer] of question.answers.entries()) {
      differ(`question ${index + 1}, "${answer}"`, theirs?.answers[place], ours.answers[place] ?? 0);
    }
    differ(`question ${index + 1}, blank`, theirs?.blank, ours.blank);
  }
  // Whatever else a result holds (winners, surplus questions or answers) must be equal too.
  if (found.length === 0 && !equalBytes(canonical(published), canonical(counted))) {
    found.push('the winners, or the number of questions or answers, are not what the ballots give');
  }
  return found;
}

function canonical({ turnout, questions }: RoundResult): Uint8Array {
  return encodeDagCbor({ turnout, questions });
}
