import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { decodeDagCbor } from '#src/base/dag-cbor.js';
import { readOpenBallot, readSealedBallot, readSignedShape } from '#src/election/ballot-shape.js';
import { MAX_BALLOT_BYTES, MAX_BODY_BYTES } from '#src/election/limits.js';
import { ballotBodySchema, signedBallotSchema } from '#src/election/schemas.js';
import { anyBody, anySealedBody, anySignedBallot, mutated } from '../support/any-ballot.ts';

/** What the general decoder and the schema make of the bytes; undefined where either refuses them. */
function signedSlowly(bytes: Uint8Array) {
  const decoded = decodeDagCbor(bytes, MAX_BALLOT_BYTES);
  return decoded.ok ? signedBallotSchema.safeParse(decoded.value).data : undefined;
}

function bodySlowly(bytes: Uint8Array) {
  const decoded = decodeDagCbor(bytes, MAX_BODY_BYTES);
  const body = decoded.ok ? ballotBodySchema.safeParse(decoded.value).data : undefined;
  return body && { ...body, round: body.round.toString() };
}

function bodyFast(bytes: Uint8Array) {
  const ballot = readOpenBallot(bytes);
  return ballot && { v: 1, ...ballot, round: ballot.round.toString() };
}

function sealedFast(bytes: Uint8Array) {
  const ballot = readSealedBallot(bytes);
  return ballot && { v: 1, ...ballot, round: ballot.round.toString() };
}

const routes = [
  { what: 'a signed ballot', any: anySignedBallot, fast: readSignedShape, slow: signedSlowly },
  { what: 'the body of an open ballot', any: anyBody, fast: bodyFast, slow: bodySlowly },
  { what: 'the body of a sealed ballot', any: anySealedBody, fast: sealedFast, slow: bodySlowly },
];

for (const { what, any, fast, slow } of routes) {
  describe(`${what}, read by its shape`, () => {
    it('is what the general decoder reads', () => {
      fc.assert(
        fc.property(any(false), (bytes) => {
          const expected = slow(bytes);
          assert.ok(expected);
          assert.deepEqual(fast(bytes), expected);
        }),
        { numRuns: 300 },
      );
    });

    it('is left alone where the general decoder refuses it, when fields are spoilt', () => {
      fc.assert(
        fc.property(any(true), (bytes) => {
          assert.deepEqual(fast(bytes), slow(bytes));
        }),
        { numRuns: 1500 },
      );
    });

    it('is left alone where the general decoder refuses it, when bytes are changed, added or taken away', () => {
      fc.assert(
        fc.property(mutated(any(false)), (bytes) => {
          const shape = fast(bytes);
          if (shape !== undefined) assert.deepEqual(shape, slow(bytes));
        }),
        { numRuns: 1500 },
      );
    });
  });
}

describe('reading a ballot by its shape', () => {
  it('takes nothing longer than the general decoder does', () => {
    const zeros = (length: number) => new Array<number>(length).fill(0);
    const head = (length: number) => [
      0x5a,
      length >>> 24,
      (length >> 16) & 255,
      (length >> 8) & 255,
      length & 255,
    ];
    const signed = (length: number) =>
      Uint8Array.from([
        ...[0xa2, 0x64, ...Buffer.from('body'), ...head(length), ...zeros(length)],
        ...[0x69, ...Buffer.from('signature'), 0x58, 64, ...zeros(64)],
      ]);
    for (const length of [MAX_BODY_BYTES, MAX_BODY_BYTES + 1]) {
      const bytes = signed(length);
      assert.deepEqual(readSignedShape(bytes), signedSlowly(bytes));
    }
  });
});
