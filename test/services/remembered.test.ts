import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { cidOf } from '#src/crypto/cid.js';
import { publicKeyOf } from '#src/crypto/signature.js';
import { cosign, withCosignatures } from '#src/log/cosignature.js';
import { origin, parseCheckpoint, signCheckpoint } from '#src/log/checkpoint.js';
import { formatReceipt } from '#src/log/receipt.js';
import type { KeptReceipt, Remembered } from '#src/services/ports.js';
import {
  MAX_REMEMBERED_OBSERVERS,
  MAX_REMEMBERED_RECEIPTS,
  together,
} from '#src/services/witnessing/remembered.js';
import { AUTHORITY, testSeed } from '../support/temp-election.ts';

const head = { origin: origin(cidOf(Uint8Array.of(1)).toString()), root: new Uint8Array(32) };
const KEY = publicKeyOf(AUTHORITY);
const signed = new Map<number, string>();

function checkpoint(size: number): string {
  const text = signed.get(size) ?? signCheckpoint({ ...head, size }, AUTHORITY, KEY);
  signed.set(size, text);
  return text;
}

/** A receipt of an entry, made when the log had `size` entries. */
function receipt(entry: number, size: number, found: number | null): KeptReceipt {
  const text = formatReceipt({
    index: entry,
    proof: [],
    checkpoint: { text: checkpoint(size) },
    extra: Uint8Array.of(entry + 1),
  });
  return { text, round: 1, found };
}

const observers = Array.from({ length: 40 }, (_, index) => publicKeyOf(testSeed(index)));
const remembered: fc.Arbitrary<Remembered> = fc.record({
  checkpoint: fc.option(fc.integer({ min: 1, max: 20 }).map(checkpoint)),
  observers: fc.array(
    fc.record({ key: fc.constantFrom(...observers), addresses: fc.array(fc.string(), { maxLength: 2 }) }),
    { maxLength: MAX_REMEMBERED_OBSERVERS },
  ),
  receipts: fc.array(
    fc
      .tuple(fc.nat(99), fc.integer({ min: 100, max: 105 }), fc.option(fc.integer({ min: 100, max: 200 })))
      .map((parts) => receipt(...parts)),
    { maxLength: MAX_REMEMBERED_RECEIPTS },
  ),
});

const entriesOf = ({ receipts }: Remembered) =>
  receipts.map(({ text }) => /^extra (.*)$/m.exec(text)?.[1] ?? '');
const sizeOf = (text: string | null) => {
  const parsed = parseCheckpoint(text ?? '');
  return parsed.ok ? parsed.value.size : 0;
};

describe('what two programs remember together', () => {
  it('is the larger checkpoint, each receipt once with the most that is known of it, and stays within bounds', () => {
    fc.assert(
      fc.property(remembered, remembered, (one, other) => {
        const both = together(one, other);
        assert.equal(sizeOf(both.checkpoint), Math.max(sizeOf(one.checkpoint), sizeOf(other.checkpoint)));
        const entries = entriesOf(both);
        assert.equal(new Set(entries).size, entries.length);
        assert.ok(entries.length <= MAX_REMEMBERED_RECEIPTS);
        const all = new Set([...entriesOf(one), ...entriesOf(other)]);
        if (all.size <= MAX_REMEMBERED_RECEIPTS) assert.deepEqual(new Set(entries), all);
        for (const kept of both.receipts) {
          const entry = entriesOf({ ...both, receipts: [kept] })[0];
          const known = [...one.receipts, ...other.receipts].filter(
            (each) => entriesOf({ ...both, receipts: [each] })[0] === entry,
          );
          assert.equal(kept.found ?? 0, Math.max(...known.map(({ found }) => found ?? 0)));
        }
        const keys = both.observers.map(({ key }) => Buffer.from(key).toString('hex'));
        assert.equal(new Set(keys).size, keys.length);
        assert.ok(keys.length <= MAX_REMEMBERED_OBSERVERS);
      }),
    );
  });

  it('changes no more when it is put together again', () => {
    fc.assert(
      fc.property(remembered, remembered, (one, other) => {
        const both = together(one, other);
        assert.deepEqual(together(both, both), both);
      }),
    );
  });

  it('lets go of what is known to be in the log before what is not', () => {
    const open = Array.from({ length: MAX_REMEMBERED_RECEIPTS - 1 }, (_, index) => receipt(index, 100, null));
    const found = receipt(98, 100, 150);
    const latest = receipt(99, 100, null);
    const before: Remembered = { checkpoint: null, observers: [], receipts: [found, ...open] };
    const after = together(before, { ...before, receipts: [latest] });
    assert.deepEqual(after.receipts, [...open, latest]);
    const more = together(after, { ...before, receipts: [receipt(97, 100, null)] });
    assert.deepEqual(entriesOf(more)[0], entriesOf({ ...before, receipts: [open[1] as KeptReceipt] })[0]);
  });

  it('keeps the cosignatures of a checkpoint that comes again without them', () => {
    const text = checkpoint(9);
    const line = cosign({ text }, { seed: testSeed(1), publicKey: observers[1] as Uint8Array }, 1);
    const cosigned = withCosignatures(text, [{ line }]);
    const of = (one: string): Remembered => ({ checkpoint: one, observers: [], receipts: [] });
    assert.equal(together(of(cosigned), of(text)).checkpoint, cosigned);
    assert.equal(together(of(text), of(cosigned)).checkpoint, cosigned);
  });
});
