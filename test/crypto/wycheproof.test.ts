import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { backend as noble } from '#src/crypto/backends/noble.js';
import { backend as sodium } from '#src/crypto/backends/sodium.js';
import { strictVerify, verify } from '#src/crypto/signature.js';
import { hex } from '../support/made-signatures.js';
import { readVectors } from '../support/repository.js';

interface Wycheproof {
  readonly numberOfTests: number;
  readonly testGroups: readonly {
    readonly publicKey: { readonly pk: string };
    readonly tests: readonly {
      readonly tcId: number;
      readonly comment: string;
      readonly msg: string;
      readonly sig: string;
      readonly result: 'valid' | 'invalid';
    }[];
  }[];
}

describe("Ed25519 verification on Wycheproof's vectors", () => {
  const { numberOfTests, testGroups } = readVectors('wycheproof/ed25519_test.json') as Wycheproof;

  it('gives their verdict for all of them, on both backends', () => {
    let seen = 0;
    for (const { publicKey, tests } of testGroups) {
      for (const { tcId, comment, msg, sig, result } of tests) {
        const given = [hex(sig), hex(msg), hex(publicKey.pk)] as const;
        for (const backend of [sodium, noble]) {
          assert.equal(
            strictVerify(backend, ...given),
            result === 'valid',
            `${backend.name}, ${tcId}: ${comment}`,
          );
        }
        assert.equal(verify(...given), result === 'valid');
        seen++;
      }
    }
    assert.equal(seen, 151);
    assert.equal(numberOfTests, 151);
  });
});
