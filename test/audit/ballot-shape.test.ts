import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { readBallotShape } from '#src/audit/ballot-shape.js';
import { unpackChoices } from '#src/audit/votes.js';
import { decodeDagCbor } from '#src/base/dag-cbor.js';
import { MAX_BODY_BYTES } from '#src/election/limits.js';
import { ballotBodySchema } from '#src/election/schemas.js';
import { decodeEntry, encodeEntry } from '#src/log/entry-codec.js';
import { anyBallotEntry, mutated } from '../support/any-ballot.ts';
import { sampleLog } from '../support/build-log.js';

/** What the general decoders make of an entry, in the same form; undefined for anything but a good ballot. */
function slowly(bytes: Uint8Array) {
  const entry = decodeEntry(bytes);
  if (!entry.ok || entry.value.kind !== 'ballot') return undefined;
  const decoded = decodeDagCbor(entry.value.ballot.body, MAX_BODY_BYTES);
  const ballot = decoded.ok ? ballotBodySchema.safeParse(decoded.value) : undefined;
  if (ballot?.success !== true || ballot.data.form !== 'open') return undefined;
  const { round, voter, number, choices } = ballot.data;
  const { seq, time, prev, ballot: signed } = entry.value;
  return {
    ...{
      seq,
      time,
      prev: prev && hex(prev.multihash.digest),
      body: hex(signed.body),
      signature: hex(signed.signature),
    },
    ...{ round: hex(round.multihash.digest), voter: hex(voter), number, choices },
  };
}

function fast(bytes: Uint8Array) {
  const shape = readBallotShape(bytes);
  if (shape === undefined) return undefined;
  const { seq, time, prev, body, signature, round, voter, number, packed } = shape;
  return {
    ...{ seq, time, prev: hex(prev), body: hex(body), signature: hex(signature) },
    ...{ round: hex(round), voter: hex(voter), number, choices: unpackChoices(packed) },
  };
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

describe('reading a ballot by its shape', () => {
  it('gives what the general decoders give, for every ballot that they accept', () => {
    fc.assert(
      fc.property(anyBallotEntry(false), (bytes) => {
        const expected = slowly(bytes);
        assert.ok(expected);
        assert.deepEqual(fast(bytes), expected);
      }),
      { numRuns: 300 },
    );
  });

  it('accepts nothing that they refuse, when fields are spoilt', () => {
    fc.assert(
      fc.property(anyBallotEntry(true), (bytes) => {
        const expected = slowly(bytes);
        // Without a link it is left to the general decoder.
        assert.deepEqual(fast(bytes), expected?.prev === null ? undefined : expected);
      }),
      { numRuns: 1500 },
    );
  });

  it('accepts nothing that they refuse, when bytes are changed, added or taken away', () => {
    fc.assert(
      fc.property(mutated(anyBallotEntry(false)), (bytes) => {
        const shape = fast(bytes);
        if (shape !== undefined) assert.deepEqual(shape, slowly(bytes));
      }),
      { numRuns: 1500 },
    );
  });

  it('takes no longer form of a number', () => {
    const entry = (sample: Uint8Array, from: string, to: string) =>
      Uint8Array.from(Buffer.from(hex(sample).replace(from, to), 'hex'));
    const log = sampleLog();
    const sample = log.entries[4] as Uint8Array;
    assert.ok(readBallotShape(sample));
    // "seq" 4, as one byte and as the same number in 2, 3, 5 and 9.
    for (const longer of ['1804', '190004', '1a00000004', '1b0000000000000004']) {
      const bytes = entry(sample, '63736571' + '04', '63736571' + longer);
      assert.equal(bytes.length, sample.length + longer.length / 2 - 1);
      assert.equal(readBallotShape(bytes), undefined);
      assert.equal(decodeEntry(bytes).ok, false);
    }
  });

  it('reads every ballot of a log, and no other entry', () => {
    for (const bytes of sampleLog().entries) {
      const entry = decodeEntry(bytes);
      assert.ok(entry.ok);
      assert.equal(readBallotShape(bytes) !== undefined, entry.value.kind === 'ballot');
      assert.deepEqual(encodeEntry(entry.value), bytes);
    }
  });
});
