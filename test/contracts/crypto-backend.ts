import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { concatBytes, toHex, utf8ToBytes } from '#src/base/bytes.js';
import type { CryptoBackend } from '#src/crypto/backends/backend.js';
import {
  hex,
  L,
  LARGE_NON_CANONICAL,
  makeSignature,
  Point,
  SMALL_ORDER_ENCODINGS,
  toBytes,
  TORSION,
} from '../support/made-signatures.js';

/** What every backend must do; its argon2id is compared with published vectors and the other backend elsewhere. */
export function cryptoBackendContract(backend: CryptoBackend): void {
  describe(`the ${backend.name} backend`, () => {
    it('hashes the examples of FIPS 180-4', () => {
      const hashOf = (text: string): string => toHex(backend.sha256([utf8ToBytes(text)]));
      assert.equal(hashOf(''), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
      assert.equal(hashOf('abc'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
      assert.equal(
        hashOf('abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq'),
        '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
      );
    });

    it('hashes parts of any sizes as their concatenation, into bytes of its own', () => {
      const parts = fc.array(fc.uint8Array({ maxLength: 400 }), { maxLength: 5 });
      fc.assert(
        fc.property(parts, (list) => {
          const before = list.map((part) => part.slice());
          const first = backend.sha256(list);
          assert.equal(
            toHex(first),
            createHash('sha256')
              .update(concatBytes(...list))
              .digest('hex'),
          );
          assert.equal(Object.getPrototypeOf(first), Uint8Array.prototype);
          backend.sha256([utf8ToBytes('another call')]);
          assert.equal(
            toHex(first),
            createHash('sha256')
              .update(concatBytes(...list))
              .digest('hex'),
          );
          assert.deepEqual(list, before);
        }),
      );
    });

    it('hashes parts around and beyond its buffers', () => {
      for (const length of [191, 192, 193, 8191, 8192, 8193, 100_000]) {
        const bytes = new Uint8Array(length).map((_, i) => i * 7);
        const expected = createHash('sha256').update(bytes).digest('hex');
        assert.equal(toHex(backend.sha256([bytes])), expected);
        assert.equal(toHex(backend.sha256([bytes.subarray(0, 1), bytes.subarray(1)])), expected);
      }
    });

    it('takes points of order L, given as views into larger buffers too', () => {
      for (const scalar of [1n, 2n, 8n, L - 1n, 0x1234_5678_9abc_def0n]) {
        const encoded = Point.BASE.multiply(scalar).toBytes();
        assert.equal(backend.isPrimeOrderPoint(encoded), true);
        assert.equal(backend.isPrimeOrderPoint(concatBytes(hex('ffffff'), encoded).subarray(3)), true);
      }
    });

    it('refuses points of small order however they are written', () => {
      for (const encoded of SMALL_ORDER_ENCODINGS) {
        assert.equal(backend.isPrimeOrderPoint(encoded), false, toHex(encoded));
      }
    });

    // Older versions of libsodium let the point of order 2 pass here: CVE-2025-69277.
    it('refuses a point of order L plus any point of small order', () => {
      for (const torsion of TORSION.slice(1)) {
        for (const scalar of [1n, 7n, L - 3n]) {
          const mixed = Point.BASE.multiply(scalar).add(torsion).toBytes();
          assert.equal(backend.isPrimeOrderPoint(mixed), false, toHex(mixed));
        }
      }
    });

    it('refuses encodings that are not canonical, and bytes that encode no point', () => {
      for (const encoded of LARGE_NON_CANONICAL) {
        assert.equal(backend.isPrimeOrderPoint(encoded), false, toHex(encoded));
      }
      assert.equal(backend.isPrimeOrderPoint(hex(`02${'00'.repeat(31)}`)), false, 'y = 2 is on no point');
      const base = Point.BASE.toBytes();
      for (const wrong of [base.subarray(1), concatBytes(base, hex('00')), new Uint8Array(0)]) {
        assert.equal(backend.isPrimeOrderPoint(wrong), false, `${wrong.length} bytes`);
      }
    });

    it('checks the equation without cofactor: R must be the very bytes', () => {
      const [a, r] = [0x5eed_1234n, 0xabcd_ef01n];
      const publicKey = Point.BASE.multiply(a).toBytes();
      const message = utf8ToBytes('the equation');
      const R = Point.BASE.multiply(r);
      const holds = (encodedR: Uint8Array): boolean =>
        backend.satisfiesEquation(makeSignature({ a, r, encodedR, publicKey, message }), message, publicKey);
      assert.equal(holds(R.toBytes()), true);
      for (const torsion of TORSION.slice(1)) assert.equal(holds(R.add(torsion).toBytes()), false);
      assert.equal(holds(R.negate().toBytes()), false);
    });

    it('gives 32 bytes of Argon2id that depend on each input', () => {
      const derive = (password: string, salt: string, ops: number, kib: number): string =>
        toHex(backend.argon2id(utf8ToBytes(password), utf8ToBytes(salt), { ops, mem: kib * 1024 }));
      const results = [
        derive('password', 'sixteen bytes of', 1, 8),
        derive('passwore', 'sixteen bytes of', 1, 8),
        derive('password', 'sixteen bytes or', 1, 8),
        derive('password', 'sixteen bytes of', 2, 8),
        derive('password', 'sixteen bytes of', 1, 16),
      ];
      assert.equal(new Set(results).size, results.length);
      for (const result of results) assert.equal(result.length, 64);
    });

    it('tells scalars apart to their last bit', () => {
      const [a, r] = [3n, 5n];
      const publicKey = Point.BASE.multiply(a).toBytes();
      const message = new Uint8Array(0);
      const encodedR = Point.BASE.multiply(r).toBytes();
      const signature = makeSignature({ a, r, encodedR, publicKey, message });
      const off = concatBytes(encodedR, toBytes((r + 1n) % L));
      assert.equal(backend.satisfiesEquation(signature, message, publicKey), true);
      assert.equal(backend.satisfiesEquation(off, message, publicKey), false);
    });
  });
}
