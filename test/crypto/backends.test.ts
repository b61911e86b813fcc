import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { toHex, utf8ToBytes } from '#src/base/bytes.js';
import { backend as noble } from '#src/crypto/backends/noble.js';
import { backend as sodium } from '#src/crypto/backends/sodium.js';
import { cryptoBackendContract } from '../contracts/crypto-backend.js';
import { readVectors } from '../support/repository.js';

for (const backend of [sodium, noble]) cryptoBackendContract(backend);

interface Argon2Vector {
  readonly password: string;
  readonly salt: string;
  readonly ops: number;
  readonly mem: number;
  readonly hash: string;
}

describe('the backends on Argon2id', () => {
  // Published vectors for one lane have 8-byte salts, which libsodium's function does not take.
  it('noble gives the published vectors', () => {
    for (const { password, salt, ops, mem, hash } of readVectors('argon2/argon2id.json') as Argon2Vector[]) {
      const derived = noble.argon2id(utf8ToBytes(password), utf8ToBytes(salt), { ops, mem: mem * 1024 });
      assert.equal(toHex(derived), hash);
    }
  });

  it('sodium gives what noble gives', () => {
    const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
    const kib = fc.integer({ min: 8, max: 300 });
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 64 }),
        bytes(16),
        fc.integer({ min: 1, max: 4 }),
        kib,
        (password, salt, ops, memory) => {
          const cost = { ops, mem: memory * 1024 };
          assert.equal(
            toHex(sodium.argon2id(password, salt, cost)),
            toHex(noble.argon2id(password, salt, cost)),
          );
        },
      ),
      { numRuns: 25 },
    );
  });
});
