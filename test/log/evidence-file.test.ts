import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { toBase64, utf8ToBytes } from '#src/base/bytes.js';
import { DEFAULT_KDF } from '#src/crypto/credential.js';
import { MAX_ENTRY_BYTES } from '#src/election/limits.js';
import {
  type Evidence,
  MAX_EVIDENCE_BYTES,
  formatEvidence,
  judgeEvidence,
  parseEvidence,
} from '#src/log/evidence.js';
import { leafHash } from '#src/log/merkle.js';
import { formatReceipt } from '#src/log/receipt.js';
import { LogBuilder } from '../support/build-log.js';
import { errorOf, valueOf } from '../support/results.js';
import { authority, fork, genesis, omission, promise, stranger } from '../support/two-histories.js';

describe('an evidence file', () => {
  const all: readonly Evidence[] = [fork, omission, promise];

  it('is read back as it was written, and judged the same', () => {
    for (const evidence of all) {
      const read = valueOf(parseEvidence(formatEvidence(evidence)));
      assert.deepEqual(read, evidence);
      assert.deepEqual(judgeEvidence(read), judgeEvidence(evidence));
      assert.ok(judgeEvidence(read).ok);
    }
  });

  it('is read back whatever it holds, since reading judges nothing', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 200 });
    const lines = fc.string({
      unit: fc.constantFrom('"', '\\', '\n', '—', '\0', '{', ':', ','),
      maxLength: 40,
    });
    const anyText = fc.oneof(text, lines);
    const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });
    const bytes = fc.uint8Array({ maxLength: 300 });
    const plain = { noNullPrototype: true };
    const any: fc.Arbitrary<Evidence> = fc.oneof(
      fc.record(
        {
          kind: fc.constant('fork' as const),
          genesis: bytes,
          first: anyText,
          second: anyText,
          root: hash,
          proof: fc.array(hash, { maxLength: 128 }),
        },
        plain,
      ),
      fc.record(
        { kind: fc.constant('omission' as const), genesis: bytes, receipt: anyText, served: anyText },
        plain,
      ),
      fc.record({ kind: fc.constant('promise' as const), genesis: bytes, promise: anyText }, plain),
    );
    fc.assert(
      fc.property(any, (evidence) => {
        assert.deepEqual(parseEvidence(formatEvidence(evidence)), { ok: true, value: evidence });
      }),
    );
  });

  it('has one text, whatever else came with what it is made of', () => {
    for (const evidence of all) {
      const text = formatEvidence(evidence);
      const turned = Object.fromEntries(Object.entries(evidence).reverse()) as unknown as Evidence;
      assert.equal(formatEvidence(Object.assign(turned, { name: 'and more' })), text);
    }
  });

  it('is read in any layout', () => {
    for (const evidence of all) {
      const text = formatEvidence(evidence);
      const reordered = Object.fromEntries(Object.entries(JSON.parse(text) as object).reverse());
      for (const other of [
        JSON.stringify(JSON.parse(text)),
        JSON.stringify(reordered),
        text.replaceAll('\n', '\r\n'),
        text.replaceAll('—', '\\u2014'),
        `\n\n ${text} \t`,
      ]) {
        assert.deepEqual(parseEvidence(other), { ok: true, value: evidence });
      }
    }
  });

  it('has no unknown and no missing field, and none twice', () => {
    for (const evidence of all) {
      const text = formatEvidence(evidence);
      const fields = JSON.parse(text) as Record<string, unknown>;
      for (const more of ['note', 'Genesis', '__proto__', 'constructor', '']) {
        const extended = text.replace('{', `{ ${JSON.stringify(more)}: "",`);
        assert.match(errorOf(parseEvidence(extended)), /Unrecognized key/, more);
      }
      for (const field of Object.keys(fields)) {
        const { [field]: value, ...rest } = fields;
        assert.equal(parseEvidence(JSON.stringify(rest)).ok, false, field);
        const member = `${JSON.stringify(field)}: ${JSON.stringify(value)}`;
        const spelled = `"\\u${field.charCodeAt(0).toString(16).padStart(4, '0')}${field.slice(1)}": null`;
        for (const twice of [
          text.replace('{', `{ ${member},`),
          text.replace('{', `{ ${spelled},`),
          text.replace(/\s\}\s*$/, `, ${member} }`),
        ]) {
          assert.match(errorOf(parseEvidence(twice)), /it is not JSON: a field is there twice/, field);
        }
      }
    }
  });

  it('has fields of one kind of evidence alone', () => {
    const { receipt, served } = omission;
    assert.equal(parseEvidence(formatEvidence(fork).replace('"fork"', '"promise"')).ok, false);
    assert.equal(parseEvidence(formatEvidence(fork).replace('"fork"', '"other"')).ok, false);
    const mixed = { ...(JSON.parse(formatEvidence(promise)) as object), receipt, served };
    assert.equal(parseEvidence(JSON.stringify(mixed)).ok, false);
  });

  it('is of this version, and says what it is', () => {
    const text = formatEvidence(promise);
    for (const other of ['0', '2', '"1"', '1.5', '1e0', 'null', '10000000000000000000000']) {
      assert.match(errorOf(parseEvidence(text.replace('"version": 1', `"version": ${other}`))), /version/);
    }
    assert.match(errorOf(parseEvidence(text.replace('"evidence"', '"roll"'))), /psephos/);
  });

  it('is JSON, not too deep, and an object', () => {
    const text = formatEvidence(fork);
    for (const other of [
      '',
      'evidence',
      text.slice(0, -3),
      `${text},`,
      `${text}${text}`,
      `// ${text}`,
      '\ufeff{}',
    ]) {
      assert.match(errorOf(parseEvidence(other)), /it is not JSON/, other.slice(0, 30));
    }
    for (const other of ['null', '1', '[]', '"evidence"', '{}', `[${text.replace(/\[[^\]]*\]/, '[]')}]`]) {
      assert.equal(parseEvidence(other).ok, false, other);
    }
    assert.match(errorOf(parseEvidence('['.repeat(1_000_000))), /levels inside each other/);
    assert.match(errorOf(parseEvidence(text.replace('— ', '\\ud800 '))), /surrogate/);
  });

  it('is read no further than any evidence has values', () => {
    for (const value of ['0', '{}', '[]', '""']) {
      const list = `[${Array.from({ length: 30_000 }, () => value).join()}]`;
      assert.match(errorOf(parseEvidence(list)), /more than \d+ values/, value);
    }
    const longest: Evidence = { ...fork, proof: Array.from({ length: 128 }, () => new Uint8Array(32)) };
    assert.deepEqual(valueOf(parseEvidence(formatEvidence(longest))), longest);
  });

  it('has bytes in base64 of one spelling, and hashes of 32', () => {
    const text = formatEvidence(fork);
    const [root, hash] = [toBase64(fork.root), toBase64(fork.proof[0] as Uint8Array)];
    const stray = `${root.slice(0, -2)}${String.fromCharCode(root.charCodeAt(42) + 1)}=`;
    const wrong = [
      '',
      root.slice(0, -1),
      `${root}=`,
      stray,
      ` ${root}`,
      root.replace('=', '\\n='),
      'AAAA',
      root + root,
    ];
    for (const other of wrong) {
      assert.match(errorOf(parseEvidence(text.replace(root, other))), /^root: /, other);
      assert.match(errorOf(parseEvidence(text.replace(hash, other))), /^proof\.0: /, other);
    }
    const start = toBase64(genesis);
    for (const other of [start.slice(0, -1), `${start}A`, `-${start.slice(1)}`, start.slice(4) + '\\n']) {
      assert.match(errorOf(parseEvidence(text.replace(start, other))), /^genesis: /, other);
    }
    for (const other of ['null', '5', '{}', '"AAAA"', `[null]`, '[5]']) {
      assert.equal(parseEvidence(text.replace(/\[[^\]]*\]/, other)).ok, false, other);
    }
  });

  it('is not longer than any evidence can be', () => {
    const text = formatEvidence(fork);
    const spaces = (length: number): string => text + ' '.repeat(length - utf8ToBytes(text).length);
    assert.ok(parseEvidence(spaces(MAX_EVIDENCE_BYTES)).ok);
    assert.match(errorOf(parseEvidence(spaces(MAX_EVIDENCE_BYTES + 1))), /longer than 2097152 bytes/);
    const wide = '—'.repeat(MAX_EVIDENCE_BYTES / 3);
    assert.match(errorOf(parseEvidence(formatEvidence({ ...promise, promise: wide }))), /longer than/);
    const proof = Array.from({ length: 129 }, () => fork.root);
    assert.match(errorOf(parseEvidence(formatEvidence({ ...fork, proof }))), /^proof: /);
  });

  it('holds the longest genesis, and the longest entry, with checkpoints as full as notes can be', () => {
    const long = new LogBuilder(authority);
    long.append({
      kind: 'genesis',
      uuid: '0191e7a4-7b1c-4f3a-9f5e-3b2a1c0d9e8f',
      title: '\u0600'.repeat(2048),
      description: '\u0600'.repeat(2048),
      authority: authority.publicKey,
      kdf: DEFAULT_KDF,
      policy: { secrecy: 'sealed', revote: 'never', names: 'pseudonym', smallGroups: 'refuse' },
      registrar: { key: stranger.publicKey, signature: new Uint8Array(64).fill(255) },
    });
    long.raw(new Uint8Array(MAX_ENTRY_BYTES).fill(7));
    // Names of quotes take the most room in JSON.
    const padded = (text: string): string =>
      `${text}— ${'"'.repeat(16 * 1024 - utf8ToBytes(text).length - 14)} AAAAAAA=\n`;
    const served = padded(long.checkpoint());
    const entry = long.entries[1] as Uint8Array;
    const evidence: Evidence = {
      kind: 'omission',
      genesis: Uint8Array.from(long.entries[0] as Uint8Array),
      receipt: formatReceipt({
        index: 1,
        proof: [leafHash(long.entries[0] as Uint8Array)],
        checkpoint: { text: served },
        extra: entry,
      }),
      served,
    };
    assert.ok(judgeEvidence(evidence).ok);
    assert.deepEqual(valueOf(parseEvidence(formatEvidence(evidence))), evidence);
  });
});
