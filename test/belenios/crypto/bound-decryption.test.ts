import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { type BoundStatement, proveBound, verifyBound } from '#src/belenios/v1/bound-decryption.js';
import { decryptPartially, verifyPartialDecryption } from '#src/belenios/v1/decryption.js';
import { pointText } from '#src/belenios/v1/encoding/elements.js';
import type { EncryptedTally } from '#src/belenios/v1/messages.js';
import { challengeOf, proofFor } from '#src/belenios/v1/proofs.js';
import { generateTrustee } from '#src/belenios/v1/trustees.js';
import {
  type Scalar,
  group,
  invertModOrder,
  scalarFromBigInt,
  scalarToBigInt,
} from '#src/crypto/group/group.js';
import { platformRandom } from '#src/services/platform-random.js';
import { errorOf, valueOf } from '../../support/results.ts';

const HASH = 'the hash of an election';
const randomScalar = (): Scalar => group.randomScalar(platformRandom);

function tallyOf(rows: readonly number[]): EncryptedTally {
  const point = () => group.multiplyBase(randomScalar());
  return rows.map((cells) => Array.from({ length: cells }, () => ({ alpha: point(), beta: point() })));
}

function decrypted(tally: EncryptedTally): { readonly statement: BoundStatement; readonly secret: Scalar } {
  const { secret, publicKey } = generateTrustee(platformRandom);
  const { decryptionFactors: factors } = decryptPartially(HASH, secret, tally, platformRandom);
  return {
    secret,
    statement: { electionHash: HASH, trustee: 2, key: publicKey.publicKey, tally, factors },
  };
}

describe('the proof of a whole decryption', () => {
  it('holds for what it is of, and for nothing that differs in anything', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 3 }),
        fc.nat(),
        (rows, pick) => {
          const tally = tallyOf(rows);
          const { statement, secret } = decrypted(tally);
          const proof = proveBound(statement, secret, platformRandom);
          valueOf(verifyBound(statement, proof));
          const question = pick % rows.length;
          const cell = pick % (rows[question] ?? 1);
          const shifted = statement.factors.map((row, q) =>
            row.map((factor, at) =>
              q === question && at === cell ? group.add(factor, group.generator) : factor,
            ),
          );
          const other = tallyOf(rows);
          for (const change of [
            { factors: shifted },
            { tally: other },
            { trustee: 1 },
            { electionHash: `${HASH}s` },
            { key: group.multiplyBase(randomScalar()) },
          ])
            errorOf(verifyBound({ ...statement, ...change }, proof));
          // Nor can the trustee prove wrong factors, whatever is right in them.
          errorOf(
            verifyBound(
              { ...statement, factors: shifted },
              proveBound({ ...statement, factors: shifted }, secret, platformRandom),
            ),
          );
        },
      ),
      { numRuns: 25 },
    );
  });

  it('is refused where it can’t be read', () => {
    const { statement } = decrypted(tallyOf([2]));
    for (const text of ['', '{}', '{"challenge":"1","response":"2"}']) errorOf(verifyBound(statement, text));
  });

  it('is what keeps a trustee from a wrong factor for a ballot that is cast last, which the specification’s own proof lets pass', () => {
    const { secret, publicKey } = generateTrustee(platformRandom);
    const { publicKey: key } = publicKey;
    // What the ballots before give, and a commitment made before the last one is cast.
    const before = group.multiplyBase(randomScalar());
    const [a, b] = [randomScalar(), randomScalar()];
    const [A, B] = [group.multiplyBase(a), group.add(group.multiplyBase(b), group.multiply(a, before))];
    const challenge = challengeOf(`decrypt|${HASH}|${pointText(key)}|${pointText(A)},${pointText(B)}`);
    // The last ballot's randomness is chosen so that the factor of one vote fewer fits: a·s = b + c.
    const s = scalarFromBigInt(
      (scalarToBigInt(b) + scalarToBigInt(challenge)) * invertModOrder(scalarToBigInt(a)),
    );
    const alpha = group.add(before, group.multiplyBase(s));
    const factor = group.subtract(group.multiply(secret, alpha), group.generator);
    const tally: EncryptedTally = [[{ alpha, beta: group.generator }]];
    const factors = [[factor]];
    const partial = { decryptionFactors: factors, decryptionProofs: [[proofFor(a, secret, challenge)]] };
    valueOf(verifyPartialDecryption(HASH, key, tally, partial));
    const statement: BoundStatement = { electionHash: HASH, trustee: 1, key, tally, factors };
    errorOf(verifyBound(statement, proveBound(statement, secret, platformRandom)));
  });
});
