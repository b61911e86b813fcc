import { equalBytes, toHex, utf8ToBytes } from '../../base/bytes.ts';
import { type Result, err, ok } from '../../base/result.ts';
import { type Point, type Scalar, group } from '../../crypto/group/group.ts';
import { sha256 } from '../../crypto/hash.ts';
import { pointText } from './encoding/elements.ts';
import { problemText } from './encoding/problem.ts';
import { decodeProof, encodeProof } from './encoding/proof.ts';
import type { EncryptedTally, PartialDecryption } from './messages.ts';
import { type Random, challengeOf, commitment, proofFor } from './proofs.ts';

/**
 * The proofs of a partial decryption (4.20) are challenged by a hash of the key and of their commitments, but not of what is decrypted and what comes
 * out. A trustee can therefore choose the commitments first, and then have a last ballot cast for which a wrong factor fits: a result of
 * the trustee's liking, that every check of the specification finds valid. This proof, which is not of Belenios, leaves no such choice: its challenge covers
 * the whole statement, every cell's alpha and factor.
 *
 * It is one proof of equal discrete logarithms (Chaum and Pedersen) for all cells: of the key to the generator, and of Σ eᵢ·factorᵢ to Σ eᵢ·alphaᵢ, with
 * coefficients eᵢ that the statement's hash gives. If one factor is wrong, the sums fit for one in 2²⁵² choices of its coefficient.
 */
export interface BoundStatement {
  /** φ of the round's election (4.10). */
  readonly electionHash: string;
  /** From 1. */
  readonly trustee: number;
  readonly key: Point;
  readonly tally: EncryptedTally;
  readonly factors: PartialDecryption['decryptionFactors'];
}

/** Proves that the factors are the tally's, decrypted with the secret of the statement's key; the compact text of the proof (4.3). */
export function proveBound(statement: BoundStatement, secret: Scalar, random: Random): string {
  const { digest, alpha } = combined(statement);
  const w = group.randomScalar(random);
  const challenge = challengeOf(proofText(digest, group.multiplyBase(w), group.multiply(w, alpha)));
  return encodeProof(proofFor(w, secret, challenge));
}

/** Whether such a proof holds. The statement's factors have the tally's shape, which `verifyPartialDecryption` sees to. */
export function verifyBound(statement: BoundStatement, text: string): Result<void, string> {
  const read = decodeProof(text);
  if (!read.ok) return err(`the proof of the whole can't be read: ${problemText(read.error)}`);
  const { digest, alpha, factor } = combined(statement);
  const expected = challengeOf(
    proofText(
      digest,
      commitment(group.generator, statement.key, read.value),
      commitment(alpha, factor, read.value),
    ),
  );
  return equalBytes(expected, read.value.challenge)
    ? ok(undefined)
    : err('the proof of the whole does not hold: these are not the factors of this tally');
}

function combined({ electionHash, trustee, key, tally, factors }: BoundStatement): {
  readonly digest: string;
  readonly alpha: Point;
  readonly factor: Point;
} {
  const cells = tally.flatMap((row, question) =>
    row.map((cell, at) => ({ alpha: cell.alpha, factor: factors[question]?.[at] ?? group.identity })),
  );
  const listed = cells.map(({ alpha, factor }) => `${pointText(alpha)},${pointText(factor)}`).join('|');
  const statement = `psephos-decryption|${electionHash}|${trustee}|${pointText(key)}|${listed}`;
  const digest = toHex(sha256(utf8ToBytes(statement)));
  const coefficients = cells.map((_, at) => challengeOf(`psephos-decryption-cell|${digest}|${at}`));
  const sum = (points: readonly Point[]) =>
    group.sum(points.map((point, at) => group.multiply(coefficients[at] as Scalar, point)));
  return {
    digest,
    alpha: sum(cells.map(({ alpha }) => alpha)),
    factor: sum(cells.map(({ factor }) => factor)),
  };
}

function proofText(digest: string, a: Point, b: Point): string {
  return `psephos-decrypted|${digest}|${pointText(a)},${pointText(b)}`;
}
