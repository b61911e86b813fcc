import { type Result, err, ok } from '../../base/result.ts';
import type { Question, TallyEntry } from '../../election/entries.ts';
import { verifyBound } from './bound-decryption.ts';
import { type Factors, verifyPartialDecryption } from './decryption.ts';
import { problemText } from './encoding/problem.ts';
import { decodeEncryptedTally, decodePartialDecryption } from './encoding/tally.ts';
import type { EncryptedTally, PartialDecryption } from './messages.ts';
import { openTally } from './opening.ts';
import { type SealedRound, type SoundTrustees, type Votes, votesOf } from './sealed-round.ts';

/** A trustee's share of decrypting a round, as it travels and as the log has it. */
export interface GivenDecryption {
  /** The trustee's number, from 1. */
  readonly trustee: number;
  /** The protocol's own text (4.20). */
  readonly partialDecryption: string;
  /** That all of it is what it should be (`bound-decryption.ts`). */
  readonly proof: string;
}

/** The decryption of one tally: who can take part, what was given so far, and what it says once that is enough. */
export class Decrypting {
  readonly #trustees: SoundTrustees;
  readonly #sealed: SealedRound;
  readonly #tally: EncryptedTally;
  readonly #totalWeight: number;
  readonly #factors = new Map<number, PartialDecryption['decryptionFactors']>();

  private constructor(
    trustees: SoundTrustees,
    sealed: SealedRound,
    tally: EncryptedTally,
    totalWeight: number,
  ) {
    this.#trustees = trustees;
    this.#sealed = sealed;
    this.#tally = tally;
    this.#totalWeight = totalWeight;
  }

  /** Of a round's tally entry; the error says why that can't be read. */
  static of(
    trustees: SoundTrustees,
    sealed: SealedRound,
    { encryptedTally, totalWeight }: Pick<TallyEntry, 'encryptedTally' | 'totalWeight'>,
  ): Result<Decrypting, string> {
    const tally = decodeEncryptedTally(encryptedTally);
    return tally.ok
      ? ok(new Decrypting(trustees, sealed, tally.value, totalWeight))
      : err(`the encrypted tally can't be read: ${problemText(tally.error)}`);
  }

  /** Trustees whose decryption was taken. */
  get given(): ReadonlySet<number> {
    return new Set(this.#factors.keys());
  }

  /** Takes a decryption if it is valid (4.20); the error says why it is not. One that is not keeps no other from being used. */
  take({ trustee, partialDecryption, proof }: GivenDecryption): Result<void, string> {
    const key = this.#trustees.keys[trustee - 1];
    if (key === undefined) return err(`there is no trustee ${trustee}`);
    const read = decodePartialDecryption(partialDecryption);
    if (!read.ok) return err(problemText(read.error));
    const verified = verifyPartialDecryption(this.#sealed.electionHash, key, this.#tally, read.value);
    if (!verified.ok) return verified;
    const factors = read.value.decryptionFactors;
    const statement = {
      electionHash: this.#sealed.electionHash,
      trustee,
      key,
      tally: this.#tally,
      factors,
    };
    const bound = verifyBound(statement, proof);
    if (bound.ok) this.#factors.set(trustee, factors);
    return bound;
  }

  /** The votes, when enough decryptions were taken (4.21). The error says whose are missing. */
  votes(questions: readonly Question[]): Result<readonly Votes[], string> {
    const factors: Factors = this.#factors;
    const result = openTally(this.#trustees.trustees, this.#tally, factors, BigInt(this.#totalWeight));
    return result.ok ? { ok: true, value: votesOf(result.value, questions) } : result;
  }
}
