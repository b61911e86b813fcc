import { equalBytes } from '../../base/bytes.ts';
import { encodeDagCbor } from '../../base/dag-cbor.ts';
import type { SealedRound, SoundTrustees } from '../../belenios/v1/sealed-round.ts';
import type { OpenBallot } from '../../election/ballot.ts';
import type { DecryptionEntry, ResultEntry, RoundEntry, TallyEntry } from '../../election/entries.ts';
import { REPEATED_TEXT } from '../../election/rules.ts';
import type { RoundResult } from '../../tally/tally.ts';
import type { AuditedRound, Findings } from '../report.ts';
import type { SealedVote } from '../sealed-check.ts';
import type { VoterTable } from '../voter-table.ts';
import { OpenCount } from './open-count.ts';
import { SealedCount } from './sealed-count.ts';

interface CountedRound {
  readonly round: RoundEntry;
  readonly count: OpenCount | SealedCount;
  closed: boolean;
  published: boolean;
}

/** Counts every round again, from the ballots that the other checks let pass, and compares with what was published. */
export class TallyCheck {
  readonly #findings: Findings;
  readonly #voters: VoterTable;
  readonly #rounds: CountedRound[] = [];

  constructor(voters: VoterTable, findings: Findings) {
    this.#voters = voters;
    this.#findings = findings;
  }

  /** Begins a round; `sealing` is there for one with sealed ballots. */
  open(
    round: RoundEntry,
    roll: { readonly voters: number; readonly weight: number },
    sealing?: { readonly sealed: SealedRound; readonly trustees: SoundTrustees },
  ): void {
    const count =
      sealing === undefined
        ? new OpenCount(round, roll, this.#voters)
        : new SealedCount(round, roll, this.#voters, sealing);
    this.#rounds.push({ round, count, closed: false, published: false });
  }

  /** Counts a ballot of the current round in place of the same voter's earlier one. */
  countOpen(voter: number, ballot: OpenBallot, packed: string): void {
    const { count } = this.#current();
    if (count instanceof OpenCount) count.count(voter, ballot, packed);
  }

  /** As `countOpen`; a text that was cast before is a finding, and doesn't count. */
  countSealed(voter: number, number: number, vote: SealedVote, seq: number): void {
    const { count } = this.#current();
    if (count instanceof SealedCount && !count.count(voter, number, vote))
      this.#findings.add({ check: 'revote', seq, message: REPEATED_TEXT.message });
  }

  close(): void {
    this.#current().closed = true;
  }

  tally(entry: TallyEntry): void {
    const { count } = this.#current();
    if (!(count instanceof SealedCount)) return;
    for (const message of count.tally(entry)) this.#findings.add({ check: 'tally', seq: entry.seq, message });
  }

  decryption(entry: DecryptionEntry): void {
    const { count } = this.#current();
    const message = count instanceof SealedCount ? count.decryption(entry) : undefined;
    if (message !== undefined) this.#findings.add({ check: 'decryptions', seq: entry.seq, message });
  }

  compare(published: ResultEntry): void {
    const current = this.#current();
    const { count } = current;
    current.published = true;
    const missing = count instanceof SealedCount ? count.decrypt() : undefined;
    const found = missing === undefined ? differences(published, count.result(), current.round) : [missing];
    for (const message of found) this.#findings.add({ check: 'tally', seq: published.seq, message });
  }

  rounds(): AuditedRound[] {
    return this.#rounds.map(({ round, count, closed, published }) => ({
      round,
      result: count.result(),
      closed,
      published,
      ...(count instanceof SealedCount ? { sealed: count.report } : {}),
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
