import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { CID } from 'multiformats/cid';
import { fromHex } from '#src/base/bytes.js';
import { decodeDagCbor, encodeDagCbor } from '#src/base/dag-cbor.js';

const MAX = 100_000;

/** Values of the IPLD data model, floats left out: no entry has any. */
const value = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constant(null),
    fc.boolean(),
    fc.maxSafeInteger(),
    fc.string({ unit: 'grapheme' }),
    fc.uint8Array({ maxLength: 40 }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.string(), tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
})).value;

describe('strict DAG-CBOR', () => {
  it('gives back what was encoded', () => {
    fc.assert(
      fc.property(value, (one) => {
        const decoded = decodeDagCbor(encodeDagCbor(one), MAX);
        assert.ok(decoded.ok);
        assert.deepEqual(encodeDagCbor(decoded.value), encodeDagCbor(one));
      }),
    );
  });

  it('reads any bytes as their one encoding or not at all', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        const decoded = decodeDagCbor(bytes, MAX);
        if (decoded.ok) assert.deepEqual(encodeDagCbor(decoded.value), bytes);
      }),
      { numRuns: 2000 },
    );
  });

  const refused: readonly (readonly [string, string])[] = [
    ['a number in more bytes than it needs', '1817'.replace('17', '01')],
    ['keys out of order', 'a2616201616101'],
    ['a key twice', 'a2616101616102'],
    ['an array of indefinite length', '9f01ff'],
    ['undefined', 'f7'],
    ['text that is not UTF-8', '61ff'],
    ['a float in 16 bits', 'f93c00'],
    ['not a number', 'fb7ff8000000000000'],
    ['an unknown tag', 'c101'],
    ['bytes left over', '0101'],
    ['an array cut short', '8201'],
    ['nothing', ''],
  ];
  for (const [name, hex] of refused) {
    it(`refuses ${name}`, () => {
      assert.equal(decodeDagCbor(fromHex(hex) as Uint8Array, MAX).ok, false);
    });
  }

  it('refuses more bytes than allowed before it decodes any', () => {
    assert.deepEqual(decodeDagCbor(new Uint8Array(11), 10), {
      ok: false,
      error: '11 bytes, more than the 10 allowed',
    });
  });

  it('keeps links as CIDs', () => {
    const cid = CID.parse('bafyreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy');
    const decoded = decodeDagCbor(encodeDagCbor({ link: cid }), MAX);
    assert.ok(decoded.ok);
    assert.equal(String((decoded.value as { link: CID }).link), String(cid));
  });
});
