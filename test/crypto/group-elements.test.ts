import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { toHex } from '#src/base/bytes.js';
import { backend as noble } from '#src/crypto/backends/noble.js';
import { backend as sodium } from '#src/crypto/backends/sodium.js';
import { GROUP_ORDER, Group, scalarFromBigInt } from '#src/crypto/group/group.js';
import { LARGE_NON_CANONICAL, Point, SMALL_ORDER_ENCODINGS, TORSION } from '../support/made-signatures.js';

const groups = [new Group(sodium), new Group(noble)];
const isElement = (bytes: Uint8Array): boolean => {
  const [native, portable] = groups.map((group) => group.decode(bytes) !== undefined);
  assert.equal(native, portable, `the backends disagree on ${toHex(bytes)}`);
  return native === true;
};
const multiple = fc.bigInt({ min: 1n, max: GROUP_ORDER - 1n });

describe('what is an element of the group, on both backends', () => {
  it('of all spellings of points of small order, the one of the neutral element', () => {
    const taken = SMALL_ORDER_ENCODINGS.filter((bytes) => isElement(bytes));
    assert.deepEqual(taken.map(toHex), [toHex(Point.ZERO.toBytes())]);
  });

  it('no spelling with y = p or more', () => {
    for (const bytes of LARGE_NON_CANONICAL) assert.ok(!isElement(bytes), toHex(bytes));
  });

  it('a multiple of the generator, and never with a point of small order added', () => {
    fc.assert(
      fc.property(multiple, fc.integer({ min: 0, max: 7 }), (n, which) => {
        const torsion = TORSION[which] ?? Point.ZERO;
        assert.equal(isElement(Point.BASE.multiply(n).add(torsion).toBytes()), torsion.is0());
      }),
      { numRuns: 40 },
    );
  });

  it('the same bytes for both, whatever they are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 31, maxLength: 33 }), (bytes) => {
        isElement(bytes);
      }),
      { numRuns: 100 },
    );
  });
});

describe('a claimed point', () => {
  const scalar = fc.oneof(
    fc.bigInt({ min: 0n, max: GROUP_ORDER - 1n }),
    fc.constantFrom(0n, 1n, GROUP_ORDER - 1n),
  );
  const bytes = fc.oneof(
    fc.constantFrom(...SMALL_ORDER_ENCODINGS, ...LARGE_NON_CANONICAL),
    fc.uint8Array({ minLength: 32, maxLength: 32 }),
    fc.tuple(multiple, fc.integer({ min: 0, max: 7 })).map(([n, which]) =>
      Point.BASE.multiply(n)
        .add(TORSION[which] ?? Point.ZERO)
        .toBytes(),
    ),
  );

  it('is multiplied exactly where it would be decoded, and to the same product', () => {
    fc.assert(
      fc.property(scalar, bytes, (n, encoded) => {
        for (const group of groups) {
          const claimed = group.claim(encoded);
          assert.ok(claimed);
          const point = group.decode(encoded);
          const multiplied = group.multiplyClaimed(scalarFromBigInt(n), claimed);
          assert.equal(multiplied === undefined, point === undefined, toHex(encoded));
          if (point === undefined || multiplied === undefined) continue;
          assert.deepEqual([...multiplied.point], [...encoded]);
          assert.deepEqual([...multiplied.product], [...group.multiply(scalarFromBigInt(n), point)]);
        }
      }),
      { numRuns: 400 },
    );
  });

  it('of each kind that is none is refused, whatever it is multiplied by', () => {
    const mixed = TORSION.filter((point) => !point.is0()).map((point) => Point.BASE.add(point).toBytes());
    const none = [...SMALL_ORDER_ENCODINGS, ...LARGE_NON_CANONICAL, ...mixed].filter(
      (encoded) => !isElement(encoded),
    );
    assert.ok(none.length > 20);
    for (const group of groups)
      for (const encoded of none)
        for (const n of [0n, 1n, 2n, 8n, GROUP_ORDER - 1n]) {
          const claimed = group.claim(encoded);
          assert.equal(
            claimed && group.multiplyClaimed(scalarFromBigInt(n), claimed),
            undefined,
            toHex(encoded),
          );
        }
  });

  it('has 32 bytes', () => {
    for (const group of groups)
      for (const length of [0, 31, 33, 64]) assert.equal(group.claim(new Uint8Array(length)), undefined);
  });
});

describe('the neutral element and zero', () => {
  it('take part in every operation', () => {
    for (const group of groups) {
      const { identity, generator, zero } = group;
      const n = scalarFromBigInt(12_345n);
      const minusOne = scalarFromBigInt(-1n);
      assert.ok(group.isIdentity(group.multiply(n, identity)));
      assert.ok(group.isIdentity(group.multiply(zero, generator)));
      assert.ok(group.isIdentity(group.multiply(zero, identity)));
      assert.ok(group.isIdentity(group.multiplyBase(zero)));
      assert.ok(group.isIdentity(group.add(identity, identity)));
      assert.deepEqual([...group.add(identity, generator)], [...generator]);
      assert.deepEqual([...group.subtract(generator, identity)], [...generator]);
      assert.deepEqual([...group.subtract(identity, generator)], [...group.multiplyBase(minusOne)]);
      assert.ok(group.isIdentity(group.sum([])));
      assert.ok(group.isIdentity(group.sum([generator, group.multiplyBase(minusOne)])));
      assert.deepEqual(group.sumScalars([]), zero);
      assert.deepEqual([...group.multiplyScalars(zero, n)], [...zero]);
    }
  });
});
