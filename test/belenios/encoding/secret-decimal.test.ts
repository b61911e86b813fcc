import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { scalarFromDecimal, scalarToDecimal } from '#src/belenios/v1/encoding/group-elements.js';
import { secretFromDecimal, secretToDecimal } from '#src/belenios/v1/encoding/secret-decimal.js';
import { GROUP_ORDER, scalarFromBigInt } from '#src/crypto/group/group.js';

const number = fc.oneof(
  fc.bigInt({ min: 0n, max: GROUP_ORDER - 1n }),
  fc.bigInt({ min: 0n, max: 1000n }),
  fc.constantFrom(0n, GROUP_ORDER - 1n, 10n ** 75n, 10n ** 75n - 1n, 2n ** 252n),
);

describe('secret scalars in decimal digits', () => {
  it('are those that big integers give', () => {
    fc.assert(
      fc.property(number, (value) => {
        const scalar = scalarFromBigInt(value);
        assert.equal(secretToDecimal(scalar), scalarToDecimal(scalar));
        assert.deepEqual(secretFromDecimal(value.toString()), scalar);
      }),
    );
  });

  it('have one spelling, and are below q', () => {
    const digits = fc.oneof(
      fc.bigInt({ min: GROUP_ORDER - 2n, max: 10n ** 77n }).map(String),
      fc.stringMatching(/^[ +-]?[0-9a]{0,78}\n?$/),
      fc.constantFrom(
        '',
        '0',
        '00',
        '01',
        '-1',
        '+1',
        '1\n',
        '0x1',
        '١',
        `${GROUP_ORDER}`,
        '9'.repeat(76),
        '9'.repeat(77),
      ),
    );
    fc.assert(
      fc.property(digits, (text) => {
        assert.deepEqual(secretFromDecimal(text), scalarFromDecimal(text));
      }),
    );
  });
});
