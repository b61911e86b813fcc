import { err, ok } from '../../base/result.ts';
import { equalBytes } from '../../base/bytes.ts';
import { group, scalarFromBigInt } from '../../crypto/group/group.ts';
import type { AuditCryptography } from './audit/cryptography.ts';
import { ballotContext, verifyBallot } from './ballot.ts';
import { combine, verifyPartialDecryption } from './decryption.ts';
import { TallySum } from './tally.ts';
import { verifyTrustees } from './trustees.ts';

/** The judgements that an audit rests on, as the rest of this folder makes them. */
export const cryptography: AuditCryptography = {
  verifyTrustees,

  ballotVerifier: (election, electionHash) => {
    const context = ballotContext(election, electionHash);
    return (ballot) => verifyBallot(context, ballot);
  },

  encryptedTally: (election, ballots) => {
    const sum = new TallySum(election);
    for (const { choices, weight } of ballots) sum.add(choices, weight);
    return sum.value();
  },

  verifyPartialDecryption,

  verifyResult: (trustees, tally, decryptions, result) => {
    if (result.length !== tally.length || result.some((row, at) => row.length !== tally[at]?.length))
      return err('the result has not one number for each cell of the tally');
    const factors = new Map(
      decryptions.map(({ owner, decryption }) => [owner, decryption.decryptionFactors]),
    );
    const combined = combine(trustees, tally, factors);
    if (!combined.ok) return combined;
    for (const [question, row] of combined.value.entries()) {
      for (const [cell, point] of row.entries()) {
        const stated = result[question]?.[cell] ?? -1n;
        if (stated < 0n || !equalBytes(group.multiplyBase(scalarFromBigInt(stated)), point))
          return err(`question ${question + 1}, cell ${cell + 1}: the decryptions do not give ${stated}`);
      }
    }
    return ok(undefined);
  },
};
