import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isAmong, isSame, select, selectNumber } from '#src/crypto/group/select.js';

const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 });
const small = fc.integer({ min: -3, max: 3 });
const number = fc.oneof(small, fc.integer());

describe('choosing by a secret', () => {
  it('gives the one or the other, and leaves both as they were', () => {
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        const [before, after] = [Uint8Array.from(a), Uint8Array.from(b)];
        const [zero, one] = [select(0, a, b), select(1, a, b)];
        assert.deepEqual([zero, one], [before, after]);
        zero.fill(0);
        one.fill(0);
        assert.deepEqual([a, b], [before, after]);
      }),
    );
    fc.assert(
      fc.property(number, number, (a, b) => {
        assert.equal(selectNumber(0, a, b), a);
        assert.equal(selectNumber(1, a, b), b);
      }),
    );
  });

  it('knows what is the same', () => {
    fc.assert(
      fc.property(number, number, fc.array(small), (a, b, all) => {
        assert.equal(isSame(a, b), Number(a === b));
        assert.equal(isSame(a, a), 1);
        assert.equal(isAmong(a, all), Number(all.includes(a)));
      }),
    );
    assert.equal(isSame(-(2 ** 31), 0), 0);
  });
});
