import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { backend as noble } from '#src/crypto/backends/noble.js';
import { backend as sodium } from '#src/crypto/backends/sodium.js';
import { strictVerify, verify } from '#src/crypto/signature.js';
import { hex } from '../support/made-signatures.js';
import { repositoryPath } from '../support/repository.js';

/** The part of our rule that refuses each case. None is a signature by an honest key, so none is accepted. */
const REFUSED_BECAUSE: readonly { readonly key: boolean; readonly why: string }[] = [
  { key: false, why: '0: A and R are of small order, S = 0: made without any secret' },
  { key: false, why: '1: A is of small order' },
  { key: false, why: '2: A is of mixed order, R of small order' },
  { key: false, why: '3: A and R are of mixed order, though both equations hold' },
  { key: false, why: '4: A and R are of mixed order, and only the equation with cofactor holds' },
  { key: false, why: '5: A is of mixed order; verifiers with cofactor differ by where they reduce 8k' },
  { key: true, why: '6: S > L, A and R of order L: only the bound on S refuses it' },
  { key: true, why: '7: S far above L, past what a check of its top bits notices' },
  { key: false, why: '8: R is −0, which is not canonical, A of mixed order; k hashes R as reduced' },
  { key: false, why: '9: R is −0, which is not canonical, A of mixed order; k hashes R as it stands' },
  { key: false, why: '10: A is −0, which is not canonical, of small order; k hashes A as reduced' },
  { key: false, why: '11: A is −0, which is not canonical, of small order; k hashes A as it stands' },
];

/** Case 3 is what libsodium accepts by itself, and why a key is checked for its order. */
const ACCEPTED_BY_LIBSODIUM = [3];

interface Case {
  readonly message: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly signature: Uint8Array;
}

function readCases(): Case[] {
  const [count, ...lines] = readFileSync(repositoryPath('test/vectors/speccheck/cases.txt'), 'utf8').split(
    '\n',
  );
  assert.equal(lines.length, Number(count) * 3);
  const field = (index: number, name: string): Uint8Array => {
    const line = lines[index] ?? '';
    assert.ok(line.startsWith(`${name}=`));
    return hex(line.slice(name.length + 1));
  };
  return Array.from({ length: Number(count) }, (_, i) => ({
    message: field(3 * i, 'msg'),
    publicKey: field(3 * i + 1, 'pbk'),
    signature: field(3 * i + 2, 'sig'),
  }));
}

describe('Ed25519 verification on the cases of "Taming the many EdDSAs"', () => {
  const cases = readCases();

  it('has the twelve', () => {
    assert.equal(cases.length, 12);
  });

  for (const [index, { key, why }] of REFUSED_BECAUSE.entries()) {
    it(`refuses ${why}`, () => {
      const { signature, message, publicKey } = cases[index] as Case;
      for (const backend of [sodium, noble]) {
        assert.equal(backend.isPrimeOrderPoint(publicKey), key, backend.name);
        assert.equal(strictVerify(backend, signature, message, publicKey), false, backend.name);
      }
      assert.equal(verify(signature, message, publicKey), false);
      const native = sodium.satisfiesEquation(signature, message, publicKey);
      assert.equal(native, ACCEPTED_BY_LIBSODIUM.includes(index));
    });
  }
});
