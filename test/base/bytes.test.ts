import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { compareBytes, equalBytes, fromBase64, fromHex, toBase64, toHex } from '#src/base/bytes.js';

const bytes = fc.uint8Array({ maxLength: 100 });

describe('bytes', () => {
  it('have one base64 spelling, that of RFC 4648', () => {
    fc.assert(
      fc.property(bytes, (one) => {
        assert.equal(toBase64(one), Buffer.from(one).toString('base64'));
        assert.deepEqual(fromBase64(toBase64(one)), one);
      }),
    );
  });

  it('are not read from base64 with stray bits, spaces, another alphabet or no padding', () => {
    for (const text of ['AB==', 'QUI', 'QU I=', 'QUI=\n', '__==', 'A', '===='])
      assert.equal(fromBase64(text), undefined);
  });

  it('have one hex spelling, in lower case', () => {
    fc.assert(
      fc.property(bytes, (one) => {
        assert.deepEqual(fromHex(toHex(one)), one);
      }),
    );
    for (const text of ['0', 'AB', '0g', ' 00']) assert.equal(fromHex(text), undefined);
  });

  it('are ordered as Buffer.compare orders them', () => {
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        assert.equal(Math.sign(compareBytes(a, b)), Buffer.compare(a, b));
        assert.equal(equalBytes(a, b), Buffer.compare(a, b) === 0);
      }),
    );
  });
});
