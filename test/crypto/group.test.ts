import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { fromHex, toHex } from '#src/base/bytes.js';
import { backend as noble } from '#src/crypto/backends/noble.js';
import { backend as sodium } from '#src/crypto/backends/sodium.js';
import { publicKeyOf } from '#src/crypto/signature.js';
import { scalarOfSeed } from '#src/crypto/group/seed.js';
import {
  GROUP_ORDER,
  Group,
  invertModOrder,
  scalarFromBigInt,
  scalarToBigInt,
} from '#src/crypto/group/group.js';

const native = new Group(sodium);
const portable = new Group(noble);

/** Numbers modulo q, those at the ends often. */
const number = fc.oneof(
  fc.bigInt({ min: 0n, max: GROUP_ORDER - 1n }),
  fc.constantFrom(0n, 1n, 2n, GROUP_ORDER - 1n),
);
const pointOf = (value: bigint) => native.multiplyBase(scalarFromBigInt(value));

function bytes(hex: string): Uint8Array {
  const found = fromHex(hex);
  assert.ok(found);
  return found;
}

describe('the group', () => {
  it('does the same on both backends', () => {
    fc.assert(
      fc.property(number, number, fc.uint8Array({ minLength: 64, maxLength: 64 }), (a, b, wide) => {
        const [x, y] = [scalarFromBigInt(a), scalarFromBigInt(b)];
        const [p, q] = [pointOf(a), pointOf(b)];
        for (const operation of [
          (group: Group) => group.multiplyBase(x),
          (group: Group) => group.multiply(x, q),
          (group: Group) => group.add(p, q),
          (group: Group) => group.subtract(p, q),
          (group: Group) => group.addScalars(x, y),
          (group: Group) => group.subtractScalars(x, y),
          (group: Group) => group.multiplyScalars(x, y),
          (group: Group) => group.reduce(wide),
          (group: Group) => group.scalarFromHash(wide.subarray(0, 32)),
        ])
          assert.deepEqual([...operation(native)], [...operation(portable)]);
      }),
      { numRuns: 60 },
    );
  });

  it('is a group: multiples add up, and what is taken away again leaves the neutral element', () => {
    fc.assert(
      fc.property(number, number, (a, b) => {
        assert.deepEqual(native.add(pointOf(a), pointOf(b)), pointOf((a + b) % GROUP_ORDER));
        assert.ok(native.isIdentity(native.subtract(pointOf(a), pointOf(a))));
        assert.deepEqual(native.multiply(scalarFromBigInt(a), pointOf(b)), pointOf((a * b) % GROUP_ORDER));
        assert.equal(
          scalarToBigInt(native.multiplyScalars(scalarFromBigInt(a), scalarFromBigInt(b))),
          (a * b) % GROUP_ORDER,
        );
        if (a !== 0n) assert.equal((a * invertModOrder(a)) % GROUP_ORDER, 1n);
      }),
      { numRuns: 60 },
    );
  });

  it('takes canonical encodings of its elements alone, on both backends', () => {
    const identity = `01${'00'.repeat(31)}`;
    const refused = {
      'a point of order 2': `ec${'ff'.repeat(30)}7f`,
      'a point of order 4': '00'.repeat(32),
      'a point of order 8': 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
      'the neutral element with y = p + 1': `ee${'ff'.repeat(30)}7f`,
      'the neutral element with a sign': `01${'00'.repeat(30)}80`,
      'no point': `02${'00'.repeat(31)}`,
      'too short': '00'.repeat(31),
    };
    for (const group of [native, portable]) {
      assert.ok(group.decode(bytes(identity)));
      assert.ok(group.decode(group.generator));
      for (const [what, hex] of Object.entries(refused))
        assert.equal(group.decode(bytes(hex)), undefined, what);
      // The generator plus the point of order 2: on the curve, of mixed order.
      const mixed = group.add(group.generator, bytes(`ec${'ff'.repeat(30)}7f`) as typeof group.generator);
      assert.equal(group.decode(mixed), undefined, 'a point of mixed order');
    }
  });

  it('asks for as many random bytes as it needs, and refuses fewer', () => {
    assert.throws(() => native.randomScalar(() => new Uint8Array(32)), RangeError);
    assert.equal(toHex(native.randomScalar((n) => new Uint8Array(n))), '00'.repeat(32));
  });

  it('has the key of an Ed25519 seed as the multiple of its secret scalar', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (seed) => {
        assert.deepEqual([...native.multiplyBase(scalarOfSeed(seed))], [...publicKeyOf(seed)]);
      }),
      { numRuns: 20 },
    );
  });
});
