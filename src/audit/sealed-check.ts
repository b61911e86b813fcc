import { concatBytes, equalBytes, utf8ToBytes } from '../base/bytes.ts';
import { type Result, err, ok } from '../base/result.ts';
import { type BallotJudge, ballotJudge } from '../belenios/v1/audit/ballot-judge.ts';
import { cryptography } from '../belenios/v1/cryptography.ts';
import { sha256 } from '../crypto/hash.ts';
import type { SealedBallot } from '../election/ballot.ts';
import type { SealedContext } from './sealed-contexts.ts';

/** Of a sealed ballot that is valid by itself, what the fold needs. */
export interface SealedVote {
  /** SHA-256 of the sealed text. */
  readonly textHash: Uint8Array;
  /** The ciphertexts to add up, question by question and cell by cell: alpha and beta, 32 bytes each. */
  readonly cells: Uint8Array;
}

/** Judges the sealed part of ballots: text, proofs and inner signature. What depends on the election alone is done once. */
export class SealedCheck {
  readonly #judges = new Map<string, Result<BallotJudge, string>>();

  /** The error says what is wrong with the ballot; undefined where its round is none of `contexts`, so that nobody can tell. */
  judge(
    { sealed, voter, round }: SealedBallot,
    contexts: readonly SealedContext[],
  ): Result<SealedVote, string> | undefined {
    const context = contexts.find((one) => equalBytes(one.round, round.multihash.digest));
    if (context === undefined) return undefined;
    const judge = this.#judgeOf(context.electionText);
    const judged = judge.ok ? judge.value(sealed) : judge;
    if (!judged.ok) return judged;
    const { credential, choices } = judged.value;
    if (!equalBytes(credential, voter)) return err('it is sealed with the credential of another voter');
    return ok({
      textHash: sha256(utf8ToBytes(sealed)),
      cells: concatBytes(...choices.flat().flatMap(({ alpha, beta }) => [alpha, beta])),
    });
  }

  #judgeOf(electionText: string): Result<BallotJudge, string> {
    const known = this.#judges.get(electionText);
    if (known !== undefined) return known;
    const made = ballotJudge(electionText, cryptography);
    // Rounds come one after another: of those before, nothing more is to be judged.
    this.#judges.clear();
    this.#judges.set(electionText, made);
    return made;
  }
}
