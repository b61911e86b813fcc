import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { decodeDagCbor, encodeDagCbor } from '#src/base/dag-cbor.js';
import { MAX_BALLOT_BYTES } from '#src/election/limits.js';
import { encodeCastAnswer, encodePromise, readCastRequest } from '#src/net/protocols/cast/by-shape.js';
import { CAST } from '#src/net/protocols/cast/constants.js';
import { castRequestSchema } from '#src/net/protocols/cast/messages.js';
import { encodeAnswer } from '#src/net/wire-errors.js';
import { mutated } from '../support/any-ballot.ts';

function readSlowly(bytes: Uint8Array) {
  const decoded = decodeDagCbor(bytes, CAST.maxRequestBytes);
  return decoded.ok ? castRequestSchema.safeParse(decoded.value).data : undefined;
}

const ballots = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc
    .constantFrom(23, 24, 255, 256, 65_535, 65_536, MAX_BALLOT_BYTES, MAX_BALLOT_BYTES + 1)
    .map((length) => new Uint8Array(length)),
);
const encode = (value: unknown) => Uint8Array.from(encodeDagCbor(value));

describe('the messages of cast, by their shape', () => {
  it('a request is read as the general decoder and the schema read it', () => {
    fc.assert(
      fc.property(ballots, (ballot) => {
        const bytes = encode({ ballot });
        assert.deepEqual(readCastRequest(bytes), readSlowly(bytes));
        assert.equal(readCastRequest(bytes) === undefined, ballot.length > MAX_BALLOT_BYTES);
      }),
    );
  });

  it('nothing is read that those refuse', () => {
    const other = fc.oneof(
      mutated(fc.uint8Array({ maxLength: 300 }).map((ballot) => encode({ ballot }))),
      fc
        .constantFrom<object[]>({ ballot: 'x' }, { ballot: null }, {}, { ballot: 1, more: 2 }, { other: 1 })
        .map(encode),
    );
    fc.assert(
      fc.property(other, (bytes) => {
        const read = readCastRequest(bytes);
        if (read !== undefined) assert.deepEqual(read, readSlowly(bytes));
      }),
      { numRuns: 1500 },
    );
  });

  it('a receipt and a promise are written as the general encoder writes them', () => {
    const texts = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.string({ unit: fc.constantFrom('a', '—', '\ud800', '\u{1f5f3}'), maxLength: 40 }),
      fc.constantFrom(0, 23, 24, 255, 256, 65_535, 65_536).map((length) => 'x'.repeat(length)),
    );
    fc.assert(
      fc.property(texts, (text) => {
        assert.deepEqual(encodeCastAnswer(text), Uint8Array.from(encodeAnswer({ receipt: text })));
        assert.deepEqual(encodePromise(text), Uint8Array.from(encodeAnswer({ promise: text })));
      }),
      { numRuns: 500 },
    );
  });
});
