import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createCipheriv, createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { concatBytes, toHex, utf8ToBytes } from '#src/base/bytes.js';
import type { CryptoBackend } from '#src/crypto/backends/backend.js';
import { repositoryPath } from '../support/repository.js';
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

    it('signs the examples of RFC 8032, section 7.1', () => {
      const path = repositoryPath('test/vectors/rfc8032/section-7.1.json');
      const vectors = JSON.parse(readFileSync(path, 'utf8')) as readonly Record<string, string>[];
      assert.ok(vectors.length > 0);
      for (const vector of vectors) {
        const [seed, message] = [hex(vector['seed'] as string), hex(vector['message'] as string)];
        assert.equal(toHex(backend.sign(message, seed)), vector['signature']);
      }
      assert.throws(() => backend.sign(new Uint8Array(1), new Uint8Array(31)), RangeError);
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

    it('encrypts with AES-CCM as Belenios does, and opens nothing that was changed', () => {
      const key = hex(BELENIOS_CCM.key);
      const nonce = hex(BELENIOS_CCM.nonce);
      const plaintext = utf8ToBytes(BELENIOS_CCM.plaintext);
      const ciphertext = hex(BELENIOS_CCM.ciphertext);
      assert.equal(toHex(backend.encryptAesCcm(key, nonce, plaintext)), BELENIOS_CCM.ciphertext);
      assert.deepEqual(backend.decryptAesCcm(key, nonce, ciphertext), plaintext);
      const inAnother = concatBytes(hex('ff'), ciphertext, hex('ff')).subarray(1, -1);
      assert.deepEqual(backend.decryptAesCcm(key, nonce, inAnother), plaintext);
      for (const at of [0, 15, 16, plaintext.length, ciphertext.length - 1]) {
        const changed = ciphertext.slice();
        changed[at] = (changed[at] ?? 0) ^ 0x80;
        assert.equal(backend.decryptAesCcm(key, nonce, changed), undefined, `byte ${at}`);
      }
      for (const end of [0, 7, 8, ciphertext.length - 1])
        assert.equal(backend.decryptAesCcm(key, nonce, ciphertext.subarray(0, end)), undefined);
      assert.equal(backend.decryptAesCcm(key, nonce.toReversed(), ciphertext), undefined);
      assert.equal(backend.decryptAesCcm(key.toReversed(), nonce, ciphertext), undefined);
    });

    it('encrypts with AES-CCM what OpenSSL encrypts, at every length around a block and up to the longest', () => {
      const lengths = fc.oneof(
        fc.integer({ min: 0, max: 50 }),
        fc.constantFrom(1023, 1024, 65_279, 65_280, 65_535),
      );
      const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
      fc.assert(
        fc.property(bytes(32), bytes(13), lengths, (key, nonce, length) => {
          const plaintext = new Uint8Array(length).map((_, at) => at * 31);
          const cipher = createCipheriv('aes-256-ccm', key, nonce, { authTagLength: 8 });
          const body = cipher.update(plaintext);
          cipher.final();
          const ciphertext = concatBytes(body, cipher.getAuthTag());
          assert.deepEqual(backend.encryptAesCcm(key, nonce, plaintext), ciphertext);
          assert.deepEqual(backend.decryptAesCcm(key, nonce, ciphertext), plaintext);
        }),
        { numRuns: 60 },
      );
      const [key, nonce] = [new Uint8Array(32), new Uint8Array(13)];
      assert.throws(() => backend.encryptAesCcm(key, nonce, new Uint8Array(65_536)), RangeError);
      assert.equal(backend.decryptAesCcm(key, nonce, new Uint8Array(65_544)), undefined);
    });

    it("opens AES-GCM's published examples and what OpenSSL encrypts with nonces of 32 bytes", () => {
      // Test cases 13 and 14 of the mode's first publication (McGrew and Viega).
      const zero = new Uint8Array(32);
      const opened = (ciphertext: string) => backend.decryptAesGcm(zero, zero.subarray(20), hex(ciphertext));
      assert.deepEqual(opened('530f8afbc74536b9a963b4f1c4cb738b'), new Uint8Array(0));
      const block = 'cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919';
      assert.deepEqual(opened(block), new Uint8Array(16));
      for (const wrong of [`00${block.slice(2)}`, `${block.slice(0, -2)}00`, block.slice(2), '00', ''])
        assert.equal(opened(wrong), undefined);
      const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 });
      fc.assert(
        fc.property(bytes, bytes, fc.uint8Array({ maxLength: 60 }), (key, nonce, plaintext) => {
          const cipher = createCipheriv('aes-256-gcm', key, nonce);
          const ciphertext = concatBytes(cipher.update(plaintext), cipher.final(), cipher.getAuthTag());
          assert.deepEqual(backend.decryptAesGcm(key, nonce, ciphertext), plaintext);
          assert.equal(backend.decryptAesGcm(nonce, key, ciphertext), undefined);
        }),
      );
    });
  });
}

/** The share that trustee 1 of test/fixtures/belenios/h-threshold encrypted for itself (private/trustee1.dkey): made by Belenios 3.0. */
const BELENIOS_CCM = {
  key: '5b9b84b2ea08b4cc16840372389c6c1c19d0f508a2ff5eaa10db5a5bc8c34812',
  nonce: 'de4200c739bc35b7cb54ade1fa',
  plaintext: String.raw`{"message":"{\"recipient\":\"fea5f13e278172f741998a27cbfcdf8eb3250da153f3d9fa5c6f89e778c74d92\",\"message\":\"{\\\"decryption_key\\\":\\\"4910203866230382034953495631362876778195365155766464696050443739586054329478\\\"}\"}","signature":{"challenge":"4204516793363136184650570471411979560455626409612651361251673748203715217973","response":"7151336138229206242950582061396655822229747852666324363595857468463337291860"}}`,
  ciphertext:
    '3be9d3d89a7cdaa4e477e88f3d7b4406ad90549301dd8884dfe5d9a7cbb5d427651fb8bb1cb77a75e708cc0f35d21cf6bb32411575fcec7cb13a12c469b4b04a12f60dfc6353a70503fd69267ed277217964c6a1c7961a7aa071080b9f8ea40c587eb98416a9d7107e963b35307073d3575b1cde33c4b8bdd34fe651a921e6cdf685826003deb175f0a54091940685f685f886527aba75c1495d9bf323b09ae3058d3d107dd90de8a53f1732f82223a6d1a1ff93518e380987ec63add2d38a9b8523e5d56524a7c7951ba869bfdfc88695c451df72d20d8d8cadbda3e31f359c3db28330981556e0cc498886c90db4752fb9578332cdb70834faa367b0b9ba49ebff44f398931f752eb5a471dbb5114e2685a5db099edf569e2941db780b2eec6f84d2ff44ae849bd4eb663cac7e7eb2899f2ff508cf945ef25398409ce2eb6153371c1cfb86b918a5d3030cc41b79301777147b68cf9bf16787464eb3942b7203686a0a1e5c36c51453bb6972bfd0d414b333022c842ce83ee64a36a2d5420962728a0c3b70f6f3ad82e8b83b7a28ad7774982f0b6a5ebb80a897875d5d7466817be95c6850a6a61c9108',
};
