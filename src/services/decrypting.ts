import { equalBytes } from '../base/bytes.ts';
import { refused } from '../base/errors.ts';
import { type Result, err } from '../base/result.ts';
import { type Factors, decryptPartially, verifyPartialDecryption } from '../belenios/v1/decryption.ts';
import { problemText } from '../belenios/v1/encoding/problem.ts';
import {
  decodeEncryptedTally,
  decodePartialDecryption,
  encodePartialDecryption,
} from '../belenios/v1/encoding/tally.ts';
import type { EncryptedTally, PartialDecryption } from '../belenios/v1/messages.ts';
import { openTally } from '../belenios/v1/opening.ts';
import type { Random } from '../belenios/v1/proofs.ts';
import { type SealedRound, type SoundTrustees, type Votes, votesOf } from '../belenios/v1/sealed-round.ts';
import { type Scalar, group } from '../crypto/group/group.ts';
import type { Question, TallyEntry } from '../election/entries.ts';

/** A trustee's share of decrypting a round, as it travels and as the log has it. */
export interface GivenDecryption {
  /** The trustee's number, from 1. */
  readonly trustee: number;
  /** The protocol's own text (4.20). */
  readonly partialDecryption: string;
}

/** Why a decryption can't be used. */
export interface InvalidDecryption {
  readonly trustee: number;
  readonly reason: string;
}

/** The decryption of one tally: who can take part, what was given so far, and what it says once that is enough. */
export class Decrypting {
  readonly #trustees: SoundTrustees;
  readonly #sealed: SealedRound;
  readonly #tally: EncryptedTally;
  readonly #totalWeight: number;
  readonly #factors = new Map<number, PartialDecryption['decryptionFactors']>();

  /** Throws `store-damaged` for a tally that can't be read. */
  constructor(
    trustees: SoundTrustees,
    sealed: SealedRound,
    tally: Pick<TallyEntry, 'encryptedTally' | 'totalWeight'>,
  ) {
    this.#trustees = trustees;
    this.#sealed = sealed;
    this.#tally = tallyOf(tally);
    this.#totalWeight = tally.totalWeight;
  }

  /** Trustees whose decryption was taken. */
  get given(): ReadonlySet<number> {
    return new Set(this.#factors.keys());
  }

  /** Takes a decryption if it is valid (4.20); the error says why it is not. One that is not keeps no other from being used. */
  take({ trustee, partialDecryption }: GivenDecryption): Result<void, string> {
    const key = this.#trustees.keys[trustee - 1];
    if (key === undefined) return err(`there is no trustee ${trustee}`);
    const read = decodePartialDecryption(partialDecryption);
    if (!read.ok) return err(problemText(read.error));
    const verified = verifyPartialDecryption(this.#sealed.electionHash, key, this.#tally, read.value);
    if (verified.ok) this.#factors.set(trustee, read.value.decryptionFactors);
    return verified;
  }

  /** The votes, when enough decryptions were taken (4.21). The error says whose are missing. */
  votes(questions: readonly Question[]): Result<readonly Votes[], string> {
    const factors: Factors = this.#factors;
    const result = openTally(this.#trustees.trustees, this.#tally, factors, BigInt(this.#totalWeight));
    return result.ok ? { ok: true, value: votesOf(result.value, questions) } : result;
  }
}

/**
 * A trustee's own part in decrypting a tally. Whoever calls it has checked that the tally is that of the log's ballots: it decrypts
 * whatever it is given. Throws `not-a-trustee` where the secret is none of the trustees'.
 */
export function decryptWith(
  secret: Scalar,
  trustees: SoundTrustees,
  sealed: SealedRound,
  tally: Pick<TallyEntry, 'encryptedTally'>,
  random: Random,
): GivenDecryption {
  const partial = decryptPartially(sealed.electionHash, secret, tallyOf(tally), random);
  return {
    trustee: trusteeNumber(secret, trustees),
    partialDecryption: encodePartialDecryption(partial),
  };
}

/** The number of the trustee with this secret. Throws `not-a-trustee`. */
export function trusteeNumber(secret: Scalar, { keys }: SoundTrustees): number {
  const key = group.multiplyBase(secret);
  const index = keys.findIndex((one) => equalBytes(one, key));
  if (index === -1) {
    throw refused('not-a-trustee', 'The key is not that of a trustee of this election.', {
      hint: 'Check that this is the key file whose public part you gave the organiser for this election.',
    });
  }
  return index + 1;
}

function tallyOf({ encryptedTally }: Pick<TallyEntry, 'encryptedTally'>): EncryptedTally {
  const tally = decodeEncryptedTally(encryptedTally);
  if (!tally.ok)
    throw refused('store-damaged', `The encrypted tally can't be read: ${problemText(tally.error)}.`);
  return tally.value;
}
