import { concatBytes, equalBytes, utf8ToBytes } from '../base/bytes.ts';
import { type Result, ok } from '../base/result.ts';
import { sealJudge } from '../belenios/v1/sealed-ballot.ts';
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
  readonly #judge = sealJudge();

  /** The error says what is wrong with the ballot; undefined where its round is none of `contexts`, so that nobody can tell. */
  judge(
    { sealed, voter, round }: SealedBallot,
    contexts: readonly SealedContext[],
  ): Result<SealedVote, string> | undefined {
    const context = contexts.find((one) => equalBytes(one.round, round.multihash.digest));
    if (context === undefined) return undefined;
    const judged = this.#judge({ electionText: context.electionText, sealed, voter });
    if (!judged.ok) return judged;
    return ok({
      textHash: sha256(utf8ToBytes(sealed)),
      cells: concatBytes(...judged.value.choices.flat().flatMap(({ alpha, beta }) => [alpha, beta])),
    });
  }
}
