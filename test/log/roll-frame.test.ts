import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { encodeDagCbor } from '#src/base/dag-cbor.js';
import { cidFromDigest } from '#src/crypto/cid.js';
import { MAX_NAME_BYTES, MAX_TIME, MAX_VOTERS, MAX_WEIGHT, ROLL_CHUNK } from '#src/election/limits.js';
import { decodeAnyEntry, encodeEntry } from '#src/log/entry-codec.js';
import { readRollEntry } from '#src/log/roll-frame.js';
import { sizes } from '../support/any-ballot.js';
import { sampleLog } from '../support/build-log.js';

const digest = fc.uint8Array({ minLength: 32, maxLength: 32 });
const name = fc.oneof(
  fc.string({ minLength: 1, maxLength: 40 }),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }),
  fc.constantFrom(
    'zo\u00eb',
    '\ufeffana',
    'ana\ufeff',
    'a'.repeat(23),
    'a'.repeat(24),
    'a'.repeat(MAX_NAME_BYTES),
  ),
);

/** A roll entry, valid or not quite: fields may be one beyond what is allowed, or of other types. */
const anyRoll = (spoil: boolean) => {
  const or = <T>(good: fc.Arbitrary<T>, ...bad: fc.Arbitrary<unknown>[]): fc.Arbitrary<unknown> =>
    spoil ? fc.oneof({ arbitrary: good, weight: 20 }, ...bad) : good;
  const voter = fc.record({
    key: or(digest, fc.uint8Array({ minLength: 31, maxLength: 33 })),
    name: or(name, fc.constantFrom('', 'e\u0301', 'a\u0000', 'a\u202e', 'a'.repeat(MAX_NAME_BYTES + 1), 5)),
    weight: or(
      sizes(MAX_WEIGHT - 1).map((n) => n + 1),
      fc.constantFrom(0, -1, MAX_WEIGHT + 1, 1.5),
    ),
  });
  return fc
    .tuple(
      fc.record({
        v: or(fc.constant(1), fc.constantFrom(2, '1')),
        seq: or(sizes(Number.MAX_SAFE_INTEGER), fc.constantFrom(-1, 0.5)),
        prev: or(digest.map(cidFromDigest), digest, fc.constant(null)),
        time: or(sizes(MAX_TIME), fc.constantFrom(MAX_TIME + 1, '0')),
        kind: or(fc.constant('roll'), fc.constantFrom('Roll', 'ballot')),
        part: or(sizes(MAX_VOTERS), fc.constantFrom(MAX_VOTERS + 1, null)),
        parts: or(
          sizes(MAX_VOTERS - 1).map((n) => n + 1),
          fc.constantFrom(0, MAX_VOTERS + 1),
        ),
        // Few at a time: most names that fast-check makes up may be on no roll.
        voters: or(fc.array(voter, { minLength: 1, maxLength: 6 }), fc.constantFrom([], null, [null])),
      }),
      or(fc.constant({}), fc.constant({ zz: 1 })) as fc.Arbitrary<object>,
    )
    .map(([some, more]) => Uint8Array.from(encodeDagCbor({ ...some, ...more })));
};

/** Whether it was read by its frame; then the general decoder must read the same. */
function readBoth(bytes: Uint8Array): boolean {
  const read = readRollEntry(bytes);
  const general = decodeAnyEntry(bytes);
  if (read === undefined) return false;
  assert.deepEqual(general, { ok: true, value: read });
  assert.deepEqual(Uint8Array.from(encodeEntry(read)), bytes);
  return true;
}

describe('a roll entry that is read by its frame', () => {
  it('is what the general decoder reads, and left alone where that refuses it', () => {
    fc.assert(
      fc.property(anyRoll(true), (bytes) => {
        readBoth(bytes);
      }),
      { numRuns: 800 },
    );
  });

  it('is every valid one, but for a first entry and names with a byte order mark', () => {
    let framed = 0;
    fc.assert(
      fc.property(anyRoll(false), (bytes) => {
        const general = decodeAnyEntry(bytes);
        const valid = general.ok && general.value.kind === 'roll' ? general.value : undefined;
        const expected = valid?.voters.every(({ name }) => !name.includes('\ufeff')) === true;
        assert.equal(readBoth(bytes), expected);
        if (expected) framed++;
      }),
      { numRuns: 800 },
    );
    assert.notEqual(framed, 0);
  });

  it('is no other spelling of it: with any byte changed, put in or left out', () => {
    const changed = fc
      .tuple(anyRoll(false), fc.nat(), fc.nat(255), fc.constantFrom(0, 1, 2))
      .map(([bytes, place, byte, how]) => {
        const at = place % bytes.length;
        return Uint8Array.from([...bytes].toSpliced(at, how === 1 ? 0 : 1, ...(how === 2 ? [] : [byte])));
      });
    fc.assert(
      fc.property(changed, (bytes) => {
        readBoth(bytes);
      }),
      { numRuns: 2000 },
    );
  });

  it('is each one of a log, and has at most as many voters as an entry may', () => {
    const entries = sampleLog().entries.map((entry) => Uint8Array.from(entry));
    const rolls = entries.filter((bytes) => {
      const decoded = decodeAnyEntry(bytes);
      return decoded.ok && decoded.value.kind === 'roll';
    });
    assert.ok(rolls.length > 0);
    for (const bytes of entries) assert.equal(readBoth(bytes), rolls.includes(bytes));
    for (const count of [ROLL_CHUNK, ROLL_CHUNK + 1]) {
      const voters = Array.from({ length: count }, (_, i) => ({
        key: new Uint8Array(32),
        name: `v${i}`,
        weight: 1,
      }));
      const prev = cidFromDigest(new Uint8Array(32));
      const bytes = encodeDagCbor({ v: 1, seq: 1, prev, time: 0, kind: 'roll', part: 0, parts: 1, voters });
      assert.equal(readBoth(Uint8Array.from(bytes)), count === ROLL_CHUNK);
    }
  });
});
