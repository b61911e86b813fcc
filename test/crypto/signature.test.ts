import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ed25519 } from '@noble/curves/ed25519.js';
import fc from 'fast-check';
import { concatBytes, toHex, utf8ToBytes } from '#src/base/bytes.js';
import { backend as noble } from '#src/crypto/backends/noble.js';
import { backend as sodium } from '#src/crypto/backends/sodium.js';
import {
  isAcceptableKey,
  publicKeyOf,
  sign,
  strictVerify,
  verify,
  verifyWithAcceptableKey,
} from '#src/crypto/signature.js';
import {
  grindMessage,
  hex,
  L,
  makeSignature,
  Point,
  SMALL_ORDER_ENCODINGS,
  toBytes,
  toNumber,
  TORSION,
} from '../support/made-signatures.js';
import { readVectors } from '../support/repository.js';

interface Rfc8032Vector {
  readonly name: string;
  readonly seed: string;
  readonly publicKey: string;
  readonly message: string;
  readonly signature: string;
}

/** One verdict, reached by both backends and, where the key is acceptable, by the hot path. */
function accepts(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  const verdict = verify(signature, message, publicKey);
  for (const backend of [sodium, noble]) {
    assert.equal(strictVerify(backend, signature, message, publicKey), verdict, backend.name);
  }
  if (isAcceptableKey(publicKey)) {
    assert.equal(verifyWithAcceptableKey(signature, message, publicKey), verdict);
  } else {
    assert.equal(verdict, false);
  }
  return verdict;
}

const a = 0x1234_5678_9abc_def1n;
const r = 0x0fed_cba9_8765_4321n;
const A = Point.BASE.multiply(a);
const R = Point.BASE.multiply(r);
const message = utf8ToBytes('one ballot');

describe('Ed25519 signatures', () => {
  it('are those of RFC 8032 section 7.1', () => {
    const vectors = readVectors('rfc8032/section-7.1.json') as Rfc8032Vector[];
    assert.equal(vectors.length, 5);
    for (const vector of vectors) {
      const [seed, bytes] = [hex(vector.seed), hex(vector.message)];
      assert.equal(toHex(publicKeyOf(seed)), vector.publicKey, vector.name);
      assert.equal(toHex(sign(bytes, seed)), vector.signature, vector.name);
      assert.equal(accepts(hex(vector.signature), bytes, hex(vector.publicKey)), true, vector.name);
    }
  });

  it('are accepted as signed, and refused with any bit flipped in signature, message or key', () => {
    const seeds = fc.uint8Array({ minLength: 32, maxLength: 32 });
    const cases = fc.tuple(seeds, fc.uint8Array({ maxLength: 300 }), fc.nat());
    fc.assert(
      fc.property(cases, ([seed, text, where]) => {
        const whole = [sign(text, seed), text, publicKeyOf(seed)] as const;
        assert.equal(accepts(...whole), true);
        const [signature, body, key] = [whole[0].slice(), whole[1].slice(), whole[2].slice()];
        let bit = where % ((64 + body.length + 32) * 8);
        for (const part of [signature, body, key]) {
          if (bit >= 0 && bit < part.length * 8) (part[bit >> 3] as number) ^= 1 << (bit & 7);
          bit -= part.length * 8;
        }
        assert.equal(accepts(signature, body, key), false);
      }),
      { numRuns: 60 },
    );
  });

  it('refuse a seed of the wrong length', () => {
    for (const length of [0, 31, 33, 64]) {
      assert.throws(() => sign(message, new Uint8Array(length)), RangeError);
      assert.throws(() => publicKeyOf(new Uint8Array(length)), RangeError);
    }
  });
});

describe('strict verification', () => {
  const publicKey = A.toBytes();
  const good = makeSignature({ a, r, encodedR: R.toBytes(), publicKey, message });

  it('accepts what the made-up signer makes honestly', () => {
    assert.equal(accepts(good, message, publicKey), true);
  });

  it('refuses signatures and keys of the wrong length', () => {
    const signatures = [0, 1, 32, 63].map((length) => good.subarray(0, length));
    signatures.push(concatBytes(good, hex('00')), concatBytes(hex('00'), good), concatBytes(good, good));
    for (const signature of signatures) assert.equal(accepts(signature, message, publicKey), false);
    for (const key of [publicKey.subarray(0, 31), concatBytes(publicKey, hex('00')), new Uint8Array(0)]) {
      assert.equal(isAcceptableKey(key), false);
      assert.equal(accepts(good, message, key), false);
    }
  });

  it('refuses S plus each multiple of L that fits, although the equation holds', () => {
    const s = toNumber(good.subarray(32));
    for (let multiple = 1n; s + multiple * L < 1n << 256n; multiple++) {
      const signature = concatBytes(good.subarray(0, 32), toBytes(s + multiple * L));
      assert.equal(accepts(signature, message, publicKey), false);
    }
  });

  it('refuses R of small order in every encoding, although the equation with cofactor holds', () => {
    for (const encodedR of SMALL_ORDER_ENCODINGS) {
      const signature = makeSignature({ a, r: 0n, encodedR, publicKey, message });
      assert.equal(ed25519.verify(signature, message, publicKey, { zip215: true }), true);
      assert.equal(accepts(signature, message, publicKey), false, toHex(encodedR));
    }
  });

  it('refuses the identity as R, for which even the equation without cofactor holds', () => {
    const signature = makeSignature({ a, r: 0n, encodedR: Point.ZERO.toBytes(), publicKey, message });
    assert.equal(noble.satisfiesEquation(signature, message, publicKey), true);
    assert.equal(accepts(signature, message, publicKey), false);
  });

  it('refuses R with a torsion component, which verifiers with cofactor accept', () => {
    for (const torsion of TORSION.slice(1)) {
      const signature = makeSignature({ a, r, encodedR: R.add(torsion).toBytes(), publicKey, message });
      assert.equal(ed25519.verify(signature, message, publicKey, { zip215: false }), true);
      assert.equal(accepts(signature, message, publicKey), false);
    }
  });

  it('refuses a key of small order in every encoding, on a message for which both equations hold', () => {
    for (const key of SMALL_ORDER_ENCODINGS) {
      const text = grindMessage(R.toBytes(), key, 0n);
      const signature = makeSignature({ a: 0n, r, encodedR: R.toBytes(), publicKey: key, message: text });
      assert.equal(ed25519.verify(signature, text, key, { zip215: true }), true);
      assert.equal(accepts(signature, text, key), false, toHex(key));
    }
  });

  it('refuses a key of mixed order, on a message for which both equations hold', () => {
    for (const torsion of TORSION.slice(1)) {
      const key = A.add(torsion).toBytes();
      const text = grindMessage(R.toBytes(), key, 0n);
      const signature = makeSignature({ a, r, encodedR: R.toBytes(), publicKey: key, message: text });
      assert.equal(ed25519.verify(signature, text, key, { zip215: false }), true);
      // Without the check of the key, libsodium lets this pass: the equation without cofactor holds too.
      assert.equal(sodium.satisfiesEquation(signature, text, key), true);
      assert.equal(noble.satisfiesEquation(signature, text, key), true);
      assert.equal(accepts(signature, text, key), false);
    }
  });

  it('refuses a key and an R whose torsion cancels', () => {
    const torsion = TORSION[1] as (typeof TORSION)[number];
    const key = A.add(torsion).toBytes();
    const encodedR = R.add(torsion.negate()).toBytes();
    const text = grindMessage(encodedR, key, 1n);
    const signature = makeSignature({ a, r, encodedR, publicKey: key, message: text });
    assert.equal(noble.satisfiesEquation(signature, text, key), true);
    assert.equal(accepts(signature, text, key), false);
  });

  it('accepts the empty message, and a long one', () => {
    const seed = new Uint8Array(32).fill(7);
    for (const text of [new Uint8Array(0), new Uint8Array(200_000).fill(1)]) {
      const signature = sign(text, seed);
      assert.equal(accepts(signature, text, publicKeyOf(seed)), true);
      assert.equal(accepts(signature, concatBytes(text, hex('00')), publicKeyOf(seed)), false);
    }
  });
});

/** What holds of the library under us: if a new version changes it, the reasons in src/crypto/ need another look. */
describe('libsodium by itself', () => {
  const publicKey = A.toBytes();
  const native = (signature: Uint8Array, key: Uint8Array, text: Uint8Array = message): boolean =>
    sodium.satisfiesEquation(signature, text, key);

  it('refuses S ≥ L', () => {
    const good = makeSignature({ a, r, encodedR: R.toBytes(), publicKey, message });
    assert.equal(native(good, publicKey), true);
    const raised = concatBytes(good.subarray(0, 32), toBytes(toNumber(good.subarray(32)) + L));
    assert.equal(native(raised, publicKey), false);
  });

  it('refuses R of small order, the identity too, in every encoding', () => {
    for (const encodedR of SMALL_ORDER_ENCODINGS) {
      assert.equal(native(makeSignature({ a, r: 0n, encodedR, publicKey, message }), publicKey), false);
    }
  });

  it('refuses R with torsion, by the equation without cofactor', () => {
    for (const torsion of TORSION.slice(1)) {
      const encodedR = R.add(torsion).toBytes();
      assert.equal(native(makeSignature({ a, r, encodedR, publicKey, message }), publicKey), false);
    }
  });

  it('refuses keys of small order in every encoding', () => {
    for (const key of SMALL_ORDER_ENCODINGS) {
      const text = grindMessage(R.toBytes(), key, 0n);
      const signature = makeSignature({ a: 0n, r, encodedR: R.toBytes(), publicKey: key, message: text });
      assert.equal(native(signature, key, text), false);
    }
  });
});
