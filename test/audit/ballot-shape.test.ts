import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { readBallotShape } from '#src/audit/ballot-shape.js';
import { unpackChoices } from '#src/audit/votes.js';
import { encodeDagCbor } from '#src/base/dag-cbor.js';
import { cidFromDigest } from '#src/crypto/cid.js';
import { readBallot } from '#src/election/ballot.js';
import { MAX_ANSWERS, MAX_QUESTIONS, MAX_TIME } from '#src/election/limits.js';
import { decodeEntry, encodeEntry } from '#src/log/entry-codec.js';
import { sampleLog } from '../support/build-log.js';

const digest = fc.uint8Array({ minLength: 32, maxLength: 32 });
/** Numbers of every encoded length, up to `max`. */
const sizes = (max: number) =>
  fc.oneof(
    ...[23, 24, 255, 256, 65_535, 65_536, 0xffff_ffff, 0x1_0000_0000, max]
      .filter((edge) => edge <= max)
      .map((edge) => fc.constant(edge)),
    fc.integer({ min: 0, max: Math.min(max, 0x7fff_ffff) }),
  );
const choice = fc.oneof(fc.constant(null), fc.array(sizes(MAX_ANSWERS), { maxLength: 30 }));

/** The entry of a ballot, valid or not quite: fields may be one beyond what is allowed, or of other types. */
const anyEntry = (spoil: boolean) => {
  const or = <T>(good: fc.Arbitrary<T>, ...bad: fc.Arbitrary<unknown>[]): fc.Arbitrary<unknown> =>
    spoil ? fc.oneof({ arbitrary: good, weight: 12 }, ...bad) : good;
  const body = fc.record({
    v: or(fc.constant(1), fc.constant(2), fc.constant('1')),
    form: or(fc.constant('open'), fc.constant('shut'), fc.constant('sealed')),
    round: or(digest.map(cidFromDigest), digest),
    voter: or(digest, fc.uint8Array({ minLength: 31, maxLength: 33 })),
    number: or(
      sizes(0xffff_fffe).map((n) => n + 1),
      fc.constantFrom(0, -1, 0x1_0000_0000, 1.5),
    ),
    choices: or(
      fc.array(choice, { minLength: 1, maxLength: 5 }),
      fc.constantFrom(
        [],
        [[MAX_ANSWERS + 1]],
        [0],
        [[-1]],
        [[0.5]],
        [true],
        Array.from({ length: MAX_QUESTIONS + 1 }, () => null),
      ),
      fc.constant([Array.from({ length: MAX_ANSWERS + 1 }, () => 0)]),
    ),
  });
  const extra = spoil
    ? fc.oneof({ arbitrary: fc.constant({}), weight: 12 }, fc.constant({ zz: 1 }))
    : fc.constant({});
  const ballot = fc.record({
    body: fc.tuple(body, extra).map(([fields, more]) => encodeDagCbor({ ...fields, ...more })),
    signature: or(
      fc.uint8Array({ minLength: 64, maxLength: 64 }),
      fc.uint8Array({ minLength: 63, maxLength: 65 }),
    ),
  });
  return fc
    .tuple(
      fc.record({
        v: or(fc.constant(1), fc.constant(0)),
        seq: or(sizes(Number.MAX_SAFE_INTEGER), fc.constant(-1), fc.constant(2n ** 53n)),
        prev: or(digest.map(cidFromDigest), fc.constant(null)),
        time: or(sizes(MAX_TIME), fc.constant(MAX_TIME + 1)),
        kind: or(fc.constant('ballot'), fc.constant('ballet')),
        ballot: spoil ? fc.oneof({ arbitrary: ballot, weight: 12 }, fc.constant(null)) : ballot,
      }),
      extra,
    )
    .map(([fields, more]) => Uint8Array.from(encodeDagCbor({ ...fields, ...more })));
};

/** What the general decoders make of an entry, in the same form; undefined for anything but a good ballot. */
function slowly(bytes: Uint8Array) {
  const entry = decodeEntry(bytes);
  if (!entry.ok || entry.value.kind !== 'ballot') return undefined;
  const ballot = readBallot(entry.value.ballot);
  if (!ballot.ok || ballot.value.form !== 'open') return undefined;
  const { round, voter, number, choices } = ballot.value;
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
      fc.property(anyEntry(false), (bytes) => {
        const expected = slowly(bytes);
        assert.ok(expected);
        assert.deepEqual(fast(bytes), expected);
      }),
      { numRuns: 300 },
    );
  });

  it('accepts nothing that they refuse, when fields are spoilt', () => {
    fc.assert(
      fc.property(anyEntry(true), (bytes) => {
        const expected = slowly(bytes);
        // Without a link it is left to the general decoder.
        assert.deepEqual(fast(bytes), expected?.prev === null ? undefined : expected);
      }),
      { numRuns: 1500 },
    );
  });

  it('accepts nothing that they refuse, when bytes are changed, added or taken away', () => {
    const change = fc.record({
      at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      take: fc.nat(2),
      put: fc.uint8Array({ maxLength: 3 }),
    });
    fc.assert(
      fc.property(anyEntry(false), fc.array(change, { minLength: 1, maxLength: 2 }), (bytes, changes) => {
        let changed = [...bytes];
        for (const { at, take, put } of changes)
          changed = changed.toSpliced(Math.floor(at * changed.length), take, ...put);
        const mutated = Uint8Array.from(changed);
        const shape = fast(mutated);
        if (shape !== undefined) assert.deepEqual(shape, slowly(mutated));
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
