import { Decrypting } from '../../belenios/v1/decrypting.ts';
import type { SealedRound, SoundTrustees } from '../../belenios/v1/sealed-round.ts';
import type { DecryptionEntry, QuestionResult, RoundEntry, TallyEntry } from '../../election/entries.ts';
import { countedVotes } from '../../tally/count.ts';
import { type RoundResult, RoundTally } from '../../tally/tally.ts';
import { KeyTable } from '../key-table.ts';
import type { AuditedRound } from '../report.ts';
import type { SealedVote } from '../sealed-check.ts';
import { SealedSum } from '../sealed-sum.ts';
import type { VoterTable } from '../voter-table.ts';

/** Adds the sealed ballots of a round up as they come, and follows their decryption. */
export class SealedCount {
  readonly #round: RoundEntry;
  readonly #sealed: SealedRound;
  readonly #trustees: SoundTrustees;
  readonly #voters: VoterTable;
  readonly #turnout: RoundTally;
  readonly #sum: SealedSum;
  readonly #texts = new KeyTable();
  readonly #weights = new Map<number, number>();
  #tally: TallyEntry | undefined;
  #decrypting: Decrypting | undefined;
  #questions: readonly QuestionResult[] = [];

  constructor(
    round: RoundEntry,
    roll: { readonly voters: number; readonly weight: number },
    voters: VoterTable,
    { sealed, trustees }: { readonly sealed: SealedRound; readonly trustees: SoundTrustees },
  ) {
    this.#round = round;
    this.#voters = voters;
    this.#sealed = sealed;
    this.#trustees = trustees;
    this.#turnout = new RoundTally([], roll);
    this.#sum = new SealedSum(sealed.election);
  }

  /** False for a text that was cast before, which doesn't count. */
  count(voter: number, number: number, { textHash, cells }: SealedVote): boolean {
    if (!this.#texts.add(textHash)) return false;
    const { round } = this.#round;
    const before = this.#voters.standing(voter);
    const replaces = before.round === round;
    this.#turnout.add([], before.weight, replaces ? [] : undefined);
    let place = this.#voters.vote(voter);
    if (!replaces) this.#weights.set(before.weight, (this.#weights.get(before.weight) ?? 0) + 1);
    if (replaces) this.#sum.replace(place, cells, before.weight);
    else place = this.#sum.add(cells, before.weight);
    this.#voters.record(voter, round, number, place);
    return true;
  }

  /** Compares what the log says of the sum; every difference, in words. */
  tally(entry: TallyEntry): string[] {
    const { voted, votedWeight } = this.#turnout.result().turnout;
    const found: string[] = [];
    if (entry.numTallied !== voted)
      found.push(`the tally says that ${entry.numTallied} ballots count, the log gives ${voted}`);
    if (entry.totalWeight !== votedWeight)
      found.push(`the tally says that they weigh ${entry.totalWeight}, the log gives ${votedWeight}`);
    if (entry.encryptedTally !== this.#sum.text())
      found.push('the encrypted tally is not the sum of the ballots');
    if (found.length > 0) return found;
    const decrypting = Decrypting.of(this.#trustees, this.#sealed, entry);
    if (!decrypting.ok) return [decrypting.error];
    this.#tally = entry;
    this.#decrypting = decrypting.value;
    return [];
  }

  /** What is wrong with a decryption; undefined for a valid one, and where there is no right tally that it could be of. */
  decryption(entry: DecryptionEntry): string | undefined {
    const taken = this.#decrypting?.take(entry);
    return taken?.ok === false ? `the decryption by trustee ${entry.trustee}: ${taken.error}` : undefined;
  }

  /** What the decryptions give, for a result to be compared with. The error says what is missing. */
  decrypt(): string | undefined {
    if (this.#decrypting === undefined) return 'there is no right tally that the result could follow from';
    const votes = this.#decrypting.votes(this.#round.questions);
    if (!votes.ok) return votes.error;
    this.#questions = votes.value.map(({ answers, blank }) => countedVotes(answers, blank));
    return undefined;
  }

  result(): RoundResult {
    return { turnout: this.#turnout.result().turnout, questions: this.#questions };
  }

  /** What an audit reports of it. */
  get report(): NonNullable<AuditedRound['sealed']> {
    return {
      round: this.#sealed,
      given: this.#decrypting?.given ?? new Set(),
      weights: this.#weights,
      ...(this.#tally === undefined ? {} : { tally: this.#tally }),
    };
  }
}
