import { type Result, err, ok } from '../../base/result.ts';
import type { Point } from '../../crypto/group/group.ts';
import type { OwnedDecryption } from './audit/cryptography.ts';
import { type Factors, combine, verifyPartialDecryption } from './decryption.ts';
import { DiscreteLog, MAX_LOG_BOUND } from './discrete-log.ts';
import type { Result as ElectionResult, EncryptedTally, PartialDecryption, Trustee } from './messages.ts';

/** Partial decryptions sorted out: what can be combined, and what can't with the reason. */
export interface JudgedDecryptions {
  readonly factors: Factors;
  readonly ignored: readonly { readonly owner: number; readonly reason: string }[];
}

/**
 * Verifies partial decryptions (4.20) by the trustees' keys, which are in the order of owners. One that is not valid stops nobody
 * else's from being used; of several valid ones by one owner the last is taken.
 */
export function judgeDecryptions(
  electionHash: string,
  keys: readonly Point[],
  tally: EncryptedTally,
  decryptions: readonly OwnedDecryption[],
): JudgedDecryptions {
  const factors = new Map<number, PartialDecryption['decryptionFactors']>();
  const ignored: { owner: number; reason: string }[] = [];
  for (const { owner, decryption } of decryptions) {
    const key = keys[owner - 1];
    const verified =
      key === undefined
        ? err(`there is no trustee ${owner}`)
        : verifyPartialDecryption(electionHash, key, tally, decryption);
    if (verified.ok) factors.set(owner, decryption.decryptionFactors);
    else ignored.push({ owner, reason: verified.error });
  }
  return { factors, ignored };
}

/**
 * Decrypts a tally with verified factors (4.21): per question and cell the weight of its votes. `totalWeight` is that of all ballots in the
 * tally, so no sum can be larger. The error says which trustees are missing, that the weight is too large to search, or which cell
 * holds no such sum.
 */
export function openTally(
  trustees: readonly Trustee[],
  tally: EncryptedTally,
  factors: Factors,
  totalWeight: bigint,
): Result<ElectionResult, string> {
  if (totalWeight < 0n || totalWeight > MAX_LOG_BOUND)
    return err(`sums up to ${totalWeight} can't be decrypted, only up to ${MAX_LOG_BOUND}`);
  const combined = combine(trustees, tally, factors);
  if (!combined.ok) return combined;
  const log = new DiscreteLog(totalWeight);
  const result: bigint[][] = [];
  for (const [question, row] of combined.value.entries()) {
    const sums: bigint[] = [];
    for (const [cell, point] of row.entries()) {
      const sum = log.solve(point);
      if (sum === undefined)
        return err(`cell ${cell + 1} of question ${question + 1} holds no sum up to ${totalWeight}`);
      sums.push(sum);
    }
    result.push(sums);
  }
  return ok(result);
}
