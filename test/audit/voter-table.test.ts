import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { VoterTable } from '#src/audit/voter-table.js';
import { toHex } from '#src/base/bytes.js';

/** Few keys, many of which share most of their bytes. */
const anyKey = fc
  .tuple(fc.nat(3), fc.nat(31), fc.constantFrom(0, 0x01, 0x80))
  .map(([fill, at, bits]) => new Uint8Array(32).fill(fill).with(at, bits));

describe('the table of voters', () => {
  it('knows what a map by key would know', () => {
    const step = fc.record({
      key: anyKey,
      weight: fc.integer({ min: 1, max: 1_000_000 }),
      number: fc.nat(0xffff_ffff),
    });
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 100 }),
        fc.array(fc.nat(0xffff_ffff), { minLength: 8, maxLength: 8 }),
        (steps, random) => {
          const table = new VoterTable(Uint32Array.from(random));
          const map = new Map<string, { weight: number; round: number; number: number; vote: number }>();
          for (const { key, weight, number } of steps) {
            const known = map.get(toHex(key));
            assert.equal(table.find(key) === -1, known === undefined);
            assert.equal(table.add(key, weight), known === undefined);
            const now = known ?? { weight, round: 0, number: 0, vote: 0 };
            const voter = table.find(key);
            assert.deepEqual(table.standing(voter), {
              weight: now.weight,
              round: now.round,
              number: now.number,
            });
            assert.equal(table.vote(voter), now.vote);
            table.record(voter, now.round + 1, number, weight);
            map.set(toHex(key), { weight: now.weight, round: now.round + 1, number, vote: weight });
            assert.equal(table.size, map.size);
          }
        },
      ),
    );
  });

  it('grows over many segments and still finds every voter, and nobody else', () => {
    const table = new VoterTable();
    const key = (index: number) => {
      const bytes = new Uint8Array(32);
      // In the last bytes, where keys of points differ no more than elsewhere.
      new DataView(bytes.buffer).setUint32(28, index);
      return bytes;
    };
    const count = 100_000;
    for (let i = 0; i < count; i++) assert.equal(table.add(key(i), (i % 1000) + 1), true);
    for (let i = 0; i < count; i++) {
      const voter = table.find(key(i));
      assert.equal(voter, i);
      assert.equal(table.standing(voter).weight, (i % 1000) + 1);
    }
    assert.equal(table.find(key(count)), -1);
    assert.equal(table.add(key(5), 1), false);
  });

  it('finds a key in the midst of other bytes', () => {
    const table = new VoterTable();
    const key = Uint8Array.from({ length: 32 }, (_, i) => i);
    table.add(key, 1);
    const around = new Uint8Array(100).fill(255);
    around.set(key, 41);
    assert.equal(table.find(around, 41), 0);
    assert.equal(table.find(around, 40), -1);
  });

  it('takes keys of 32 bytes only', () => {
    assert.throws(() => new VoterTable().add(new Uint8Array(31), 1), RangeError);
  });
});
