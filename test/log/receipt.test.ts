import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { toBase64 } from '#src/base/bytes.js';
import { origin, signCheckpoint } from '#src/log/checkpoint.js';
import { leafHash } from '#src/log/merkle.js';
import { checkReceipt, formatReceipt, formatReceipts, parseReceipt } from '#src/log/receipt.js';
import type { Receipt } from '#src/log/receipt.js';
import { NaiveTree } from '../support/naive-merkle.js';
import { errorOf, valueOf } from '../support/results.js';
import { testKey } from '../support/test-keys.js';

const key = testKey(1);
const name = origin('bafyreigh2akiscaildc');
const log = { origin: name, publicKey: key.publicKey };
const entries = Array.from({ length: 21 }, (_, index) => new TextEncoder().encode(`entry ${index}`));
const tree = new NaiveTree(entries.map(leafHash));

const checkpointOf = (size: number): string =>
  signCheckpoint({ origin: name, size, root: tree.root(size) }, key.seed, key.publicKey);
function receiptText(index: number, size: number, extra?: Uint8Array): string {
  const parts = { index, proof: tree.path(index, size), checkpoint: { text: checkpointOf(size) } };
  return formatReceipt(extra ? { ...parts, extra } : parts);
}
const parsed = (text: string): Receipt => valueOf(parseReceipt(text));

const entry = entries[12] as Uint8Array;
const text = receiptText(12, 21, entry);
const withoutExtra = receiptText(12, 21);

describe('a receipt', () => {
  it('is laid out as the specification says', () => {
    const lines = text.split('\n');
    assert.equal(lines[0], 'c2sp.org/tlog-proof@v1');
    assert.equal(lines[1], `extra ${toBase64(entry)}`);
    assert.equal(lines[2], 'index 12');
    assert.deepEqual(lines.slice(3, 8), tree.path(12, 21).map(toBase64));
    assert.equal(lines[8], '');
    assert.equal(lines.slice(9).join('\n'), checkpointOf(21));
    assert.equal(withoutExtra, [lines[0], ...lines.slice(2)].join('\n'));
  });

  it('proves its entry, for every entry of every tree', () => {
    for (let size = 1; size <= entries.length; size++) {
      for (let index = 0; index < size; index++) {
        const entry = entries[index] as Uint8Array;
        const receipt = parsed(receiptText(index, size, entry));
        assert.deepEqual(checkReceipt(receipt, { ...log, entry: receipt.extra as Uint8Array }), {
          ok: true,
          value: undefined,
        });
      }
    }
  });

  it('proves no other entry, index, tree, key or log', () => {
    const receipt = parsed(text);
    const included = /does not lead/;
    assert.ok(checkReceipt(receipt, { ...log, entry }).ok);
    assert.match(errorOf(checkReceipt(receipt, { ...log, entry: entries[11] as Uint8Array })), included);
    assert.match(errorOf(checkReceipt(receipt, { ...log, entry: new Uint8Array() })), included);
    for (const index of [0, 11, 13, 21, 1e9]) {
      const moved = parsed(text.replace('index 12\n', `index ${index}\n`));
      assert.match(errorOf(checkReceipt(moved, { ...log, entry })), included);
    }
    const other = parsed(text.replace(checkpointOf(21), checkpointOf(20)));
    assert.match(errorOf(checkReceipt(other, { ...log, entry })), included);
    const publicKey = testKey(2).publicKey;
    assert.match(errorOf(checkReceipt(receipt, { ...log, publicKey, entry })), /not signed/);
    assert.match(errorOf(checkReceipt(receipt, { ...log, origin: origin('x'), entry })), /not of the log/);
  });

  it('is judged by its signed text, not by fields beside it', () => {
    const receipt = parsed(text);
    const forged = {
      ...receipt,
      checkpoint: { ...receipt.checkpoint, size: 1, root: leafHash(Uint8Array.of(1)) },
      proof: [],
      index: 0,
    };
    assert.equal(checkReceipt(forged, { ...log, entry: Uint8Array.of(1) }).ok, false);
  });

  it('is unchanged by reading and writing it', () => {
    const receipts = fc.record(
      {
        index: fc.maxSafeNat(),
        proof: fc.array(fc.uint8Array({ minLength: 32, maxLength: 32 }), { maxLength: 64 }),
        extra: fc.uint8Array({ minLength: 1, maxLength: 500 }),
        checkpoint: fc.constant({ text: checkpointOf(3) }),
      },
      { requiredKeys: ['index', 'proof', 'checkpoint'] },
    );
    fc.assert(
      fc.property(receipts, (parts) => {
        const text = formatReceipt(parts);
        const receipt = parsed(text);
        assert.deepEqual(
          [receipt.index, receipt.proof, receipt.extra],
          [parts.index, parts.proof, parts.extra],
        );
        assert.equal(receipt.text, text);
        assert.equal(formatReceipt(receipt), text);
      }),
    );
  });

  it('is the same text whether it is written alone or among others that share parts of its proof', () => {
    const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });
    const several = fc.array(hash, { minLength: 1, maxLength: 9 }).chain((shared) =>
      fc.array(
        fc.record(
          {
            index: fc.maxSafeNat(),
            proof: fc.array(fc.oneof(fc.constantFrom(...shared), hash), { maxLength: 64 }),
            extra: fc.uint8Array({ minLength: 1, maxLength: 100 }),
            checkpoint: fc.constantFrom({ text: checkpointOf(3) }, { text: checkpointOf(21) }),
          },
          { requiredKeys: ['index', 'proof', 'checkpoint'] },
        ),
        { maxLength: 8 },
      ),
    );
    fc.assert(
      fc.property(several, (receipts) => {
        assert.deepEqual(formatReceipts(receipts), receipts.map(formatReceipt));
      }),
    );
    const short = { index: 0, proof: [new Uint8Array(31)], checkpoint: { text: checkpointOf(3) } };
    assert.throws(() => formatReceipts([short]), RangeError);
  });

  it('is refused or read as written after any change of characters', () => {
    const mutation = fc.record({
      at: fc.nat(text.length),
      cut: fc.nat(3),
      put: fc.oneof(
        fc.string({ unit: 'binary', maxLength: 3 }),
        fc.constantFrom('\n', '=', ' ', '0', 'A', '\n\n', 'index 1\n', 'extra AA==\n'),
      ),
    });
    fc.assert(
      fc.property(mutation, fc.boolean(), ({ at, cut, put }, bare) => {
        const original = bare ? withoutExtra : text;
        const changed = original.slice(0, at) + put + original.slice(at + cut);
        const receipt = parseReceipt(changed);
        if (receipt.ok) assert.equal(formatReceipt(receipt.value), changed);
      }),
      { numRuns: 2000 },
    );
  });

  it('does not prove its entry after a change of any character outside the extra line', () => {
    for (let at = 0; at < withoutExtra.length; at++) {
      for (const put of ['', '0', 'B', '\n']) {
        const changed = withoutExtra.slice(0, at) + put + withoutExtra.slice(at + 1);
        const receipt = parseReceipt(changed);
        const proven = receipt.ok && checkReceipt(receipt.value, { ...log, entry }).ok;
        assert.equal(proven, changed === withoutExtra);
      }
    }
  });
});

describe('parsing a receipt', () => {
  const [before, checkpoint] = [withoutExtra.slice(0, withoutExtra.indexOf('\n\n')), checkpointOf(21)];
  const [header = '', index = '', ...proof] = before.split('\n');
  const build = (...lines: string[]): string => `${lines.join('\n')}\n\n${checkpoint}`;

  it('takes the untouched parts', () => {
    assert.ok(parseReceipt(build(header, index, ...proof)).ok);
    assert.ok(parseReceipt(build(header, index)).ok);
  });

  it('refuses another header, and lines that are missing, repeated or out of order', () => {
    const extra = 'extra AA==';
    assert.match(errorOf(parseReceipt('')), /cut off/);
    assert.match(errorOf(parseReceipt(before)), /cut off/);
    for (const lines of [
      ['c2sp.org/tlog-proof@v2', index],
      [` ${header}`, index],
      ['', header, index],
      [index],
      [`${header}\r`, index],
    ]) {
      assert.match(errorOf(parseReceipt(build(...lines))), /does not begin|cut off/);
    }
    for (const lines of [
      [header],
      [header, ...proof],
      [header, extra],
      [header, 'Index 1'],
      [header, extra, extra, index],
    ]) {
      assert.match(errorOf(parseReceipt(build(...lines))), /index line/);
    }
    for (const lines of [
      [header, index, extra],
      [header, index, index],
      [header, index, ...proof, ' '],
    ]) {
      assert.match(errorOf(parseReceipt(build(...lines))), /malformed line/);
    }
  });

  it('refuses other spellings of index, hash and extra data', () => {
    for (const bad of [
      'index 012',
      'index +1',
      'index -1',
      'index  1',
      'index 1 ',
      'index',
      'index ',
      'index 1e1',
      `index ${2 ** 53}`,
    ]) {
      assert.match(errorOf(parseReceipt(build(header, bad))), /index line/);
    }
    for (const bad of [
      'AA==',
      proof[0]?.slice(0, -1) ?? '',
      ` ${proof[0] ?? ''}`,
      (proof[0] ?? '') + (proof[1] ?? ''),
      'x',
    ]) {
      assert.match(errorOf(parseReceipt(build(header, index, bad))), /malformed line/);
    }
    for (const bad of ['extra ', 'extra A', 'extra AB==', 'extra AA', 'extra  AA==', 'extra AA== ']) {
      assert.match(errorOf(parseReceipt(build(header, bad, index))), /extra line/);
    }
  });

  it('refuses a malformed checkpoint', () => {
    assert.match(errorOf(parseReceipt(`${before}\n\n`)), /cut off/);
    assert.match(errorOf(parseReceipt(`${before}\n\n\n${checkpoint}`)), /three lines/);
    assert.match(errorOf(parseReceipt(withoutExtra.slice(0, -1))), /cut off/);
    assert.match(errorOf(parseReceipt(`${withoutExtra}x`)), /cut off/);
  });

  it('bounds length and number of hashes', () => {
    const hash = toBase64(new Uint8Array(32));
    assert.ok(parseReceipt(build(header, index, ...Array<string>(64).fill(hash))).ok);
    assert.match(
      errorOf(parseReceipt(build(header, index, ...Array<string>(65).fill(hash)))),
      /more than 64/,
    );
    assert.match(
      errorOf(parseReceipt(build(header, 'extra AA==', index, ...Array<string>(65).fill(hash)))),
      /more than 64/,
    );
    assert.match(
      errorOf(parseReceipt(build(header, index, ...Array<string>(20_000).fill(hash)))),
      /more than 64/,
    );
    assert.match(errorOf(parseReceipt('\n'.repeat(5_000_000))), /longer than 1048576 bytes/);
  });

  it('takes an entry of the greatest size as extra data', () => {
    const extra = new Uint8Array(512 * 1024).fill(0xa5);
    const receipt = parsed(receiptText(12, 21, extra));
    assert.equal(Buffer.compare(receipt.extra as Uint8Array, extra), 0);
    assert.throws(() => receiptText(12, 21, new Uint8Array(1024 * 1024)), RangeError);
  });
});

describe('formatting a receipt', () => {
  it('refuses parts that it could not read back', () => {
    const parts = { index: 0, proof: [], checkpoint: { text: checkpointOf(1) } };
    assert.ok(formatReceipt(parts));
    for (const index of [-1, 0.5, NaN, 2 ** 53])
      assert.throws(() => formatReceipt({ ...parts, index }), RangeError);
    assert.throws(() => formatReceipt({ ...parts, proof: [new Uint8Array(31)] }), RangeError);
    const proof = Array<Uint8Array>(65).fill(new Uint8Array(32));
    assert.throws(() => formatReceipt({ ...parts, proof }), RangeError);
    assert.throws(() => formatReceipt({ ...parts, extra: new Uint8Array() }), RangeError);
  });
});
