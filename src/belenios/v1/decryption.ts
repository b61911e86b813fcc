import { type Result, err, ok } from '../../base/result.ts';
import { equalBytes } from '../../base/bytes.ts';
import {
  GROUP_ORDER,
  type Point,
  type Scalar,
  group,
  invertModOrder,
  scalarFromBigInt,
} from '../../crypto/group/group.ts';
import { pointText } from './encoding/elements.ts';
import type { Ciphertext, EncryptedTally, PartialDecryption, Proof, Trustee } from './messages.ts';
import { type Random, challengeOf, commitment, proofFor } from './proofs.ts';

/** One trustee's share of the decryption, cell by cell, each with the proof that the trustee's key made it (4.20). */
export function decryptPartially(
  electionHash: string,
  secret: Scalar,
  tally: EncryptedTally,
  random: Random,
): PartialDecryption {
  const key = group.multiplyBase(secret);
  const prove = ({ alpha }: Ciphertext): Proof => {
    const w = group.randomScalar(random);
    const text = decryptionText(electionHash, key, group.multiplyBase(w), group.multiply(w, alpha));
    return proofFor(w, secret, challengeOf(text));
  };
  return {
    decryptionFactors: tally.map((row) => row.map(({ alpha }) => group.multiply(secret, alpha))),
    decryptionProofs: tally.map((row) => row.map(prove)),
  };
}

/** Whether a partial decryption is that of the trustee with this key, for this tally (4.20). The error names the first fault. */
export function verifyPartialDecryption(
  electionHash: string,
  key: Point,
  tally: EncryptedTally,
  { decryptionFactors, decryptionProofs }: PartialDecryption,
): Result<void, string> {
  if (!hasShape(decryptionFactors, tally) || !hasShape(decryptionProofs, tally))
    return err('it has not one factor and one proof for each cell of the tally');
  for (const [question, row] of tally.entries()) {
    for (const [cell, { alpha }] of row.entries()) {
      const factor = decryptionFactors[question]?.[cell];
      const proof = decryptionProofs[question]?.[cell];
      if (factor === undefined || proof === undefined) return err('a factor or a proof is missing');
      const text = decryptionText(
        electionHash,
        key,
        commitment(group.generator, key, proof),
        commitment(alpha, factor, proof),
      );
      if (!equalBytes(challengeOf(text), proof.challenge))
        return err(`the proof for cell ${cell + 1} of question ${question + 1} does not hold`);
    }
  }
  return ok(undefined);
}

function decryptionText(electionHash: string, key: Point, a: Point, b: Point): string {
  return `decrypt|${electionHash}|${pointText(key)}|${pointText(a)},${pointText(b)}`;
}

/** The factors of those trustees that decrypted, by owner number; all of them verified. */
export type Factors = ReadonlyMap<number, PartialDecryption['decryptionFactors']>;

/**
 * m·g for each cell, where m is the sum that the tally encrypts (4.21): from every Single trustee, and of each threshold group from as many
 * members as are needed, the first by index. The error names a trustee or group of which too few took part.
 */
export function combine(
  trustees: readonly Trustee[],
  tally: EncryptedTally,
  factors: Factors,
): Result<readonly (readonly Point[])[], string> {
  const shares = sharesOf(trustees, factors);
  if (!shares.ok) return shares;
  return ok(
    tally.map((row, question) =>
      row.map(({ beta }, cell) => {
        const parts = shares.value.map(({ factors: given, coefficient }) => {
          const factor = given[question]?.[cell] ?? group.identity;
          return coefficient === 1n ? factor : group.multiply(scalarFromBigInt(coefficient), factor);
        });
        return group.subtract(beta, group.sum(parts));
      }),
    ),
  );
}

interface Share {
  readonly factors: PartialDecryption['decryptionFactors'];
  readonly coefficient: bigint;
}

function sharesOf(trustees: readonly Trustee[], factors: Factors): Result<readonly Share[], string> {
  const shares: Share[] = [];
  let owner = 0;
  for (const trustee of trustees) {
    if (trustee.kind === 'Single') {
      const given = factors.get(++owner);
      if (given === undefined) return err(`trustee ${owner} has not decrypted`);
      shares.push({ factors: given, coefficient: 1n });
      continue;
    }
    const { threshold, verificationKeys } = trustee.parameters;
    const before = owner;
    owner += verificationKeys.length;
    const present = verificationKeys
      .flatMap((_, at) => {
        const given = factors.get(before + at + 1);
        return given === undefined ? [] : [{ index: BigInt(at + 1), factors: given }];
      })
      .slice(0, threshold);
    if (present.length < threshold)
      return err(
        `of the trustees ${before + 1} to ${owner}, ${present.length} have decrypted and ${threshold} are needed`,
      );
    const indexes = present.map(({ index }) => index);
    for (const { index, factors: given } of present)
      shares.push({ factors: given, coefficient: lagrange(index, indexes) });
  }
  return ok(shares);
}

/** The Lagrange coefficient at 0 of one index among those present (4.21). */
function lagrange(index: bigint, indexes: readonly bigint[]): bigint {
  return indexes
    .filter((other) => other !== index)
    .reduce(
      (product, other) => (((product * other) % GROUP_ORDER) * invertModOrder(other - index)) % GROUP_ORDER,
      1n,
    );
}

function hasShape(rows: readonly (readonly unknown[])[], tally: EncryptedTally): boolean {
  return rows.length === tally.length && rows.every((row, at) => row.length === tally[at]?.length);
}
