import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { cidFromDigest } from '#src/crypto/cid.js';
import { encodeSignedBallot } from '#src/election/ballot.js';
import type { BallotEntry } from '#src/election/entries.js';
import { MAX_TIME } from '#src/election/limits.js';
import { ballotBlock, readBallotFrame, writeBallotEntry } from '#src/log/ballot-frame.js';
import { decodeEntry, encodeEntry } from '#src/log/entry-codec.js';
import { anyBallotEntry, mutated, sizes } from '../support/any-ballot.ts';

/** Rarely a number that no entry may have. */
const mostly = (sound: fc.Arbitrary<number>) =>
  fc.oneof({ arbitrary: sound, weight: 12 }, fc.constantFrom(-1, 0.5));

const entries: fc.Arbitrary<BallotEntry> = fc.record({
  v: fc.constant(1),
  kind: fc.constant('ballot'),
  seq: mostly(sizes(Number.MAX_SAFE_INTEGER)),
  prev: fc.option(fc.uint8Array({ minLength: 32, maxLength: 32 }).map(cidFromDigest), { freq: 12 }),
  time: mostly(sizes(MAX_TIME)),
  ballot: fc.record({
    body: fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.constantFrom(255, 256, 65_535, 65_536).map((length) => new Uint8Array(length)),
    ),
    signature: fc.oneof(
      { arbitrary: fc.uint8Array({ minLength: 64, maxLength: 64 }), weight: 12 },
      fc.uint8Array({ minLength: 63, maxLength: 65 }),
    ),
  }),
});

describe("a ballot's entry, written and read by its shape", () => {
  it('is written as the general encoder writes it, or left to that', () => {
    let written = 0;
    fc.assert(
      fc.property(entries, (entry) => {
        const bytes = writeBallotEntry(entry);
        if (bytes === undefined) return;
        written++;
        assert.deepEqual(bytes, Uint8Array.from(encodeEntry(entry)));
      }),
      { numRuns: 500 },
    );
    assert.ok(written > 100);
  });

  it('is read as the general decoder reads it, or left to that', () => {
    const any = fc.oneof(anyBallotEntry(false), anyBallotEntry(true), mutated(anyBallotEntry(false)));
    fc.assert(
      fc.property(any, (bytes) => {
        const frame = readBallotFrame(bytes);
        if (frame === undefined) return;
        const { seq, prev, time, body, signature } = frame;
        const entry = {
          v: 1,
          kind: 'ballot',
          seq,
          prev: cidFromDigest(prev),
          time,
          ballot: { body, signature },
        };
        assert.deepEqual(
          Uint8Array.from(ballotBlock(bytes, frame)),
          Uint8Array.from(encodeSignedBallot(entry.ballot)),
        );
        const expected = decodeEntry(bytes);
        assert.ok(expected.ok);
        assert.deepEqual(
          { ...expected.value, prev: expected.value.prev?.toString() },
          { ...entry, prev: entry.prev.toString() },
        );
      }),
      { numRuns: 1500 },
    );
  });
});
