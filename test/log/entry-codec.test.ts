import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { encodeDagCbor } from '#src/base/dag-cbor.js';
import { cidOf } from '#src/crypto/cid.js';
import type { EntryContent } from '#src/election/entries.js';
import { MAX_ENTRY_BYTES } from '#src/election/limits.js';
import {
  EMPTY_HEAD,
  type Head,
  chainEntry,
  decodeEntry,
  encodeEntry,
  headAfter,
  linkProblem,
} from '#src/log/entry-codec.js';

const key = new Uint8Array(32).fill(9);
const contents: readonly EntryContent[] = [
  {
    kind: 'genesis',
    uuid: '01234567-89ab-4cde-8f01-23456789abcd',
    title: 'Zeichnungsbefugnis & Ämter',
    description: '',
    authority: key,
    policy: { secrecy: 'open', revote: 'last', names: 'public' },
    kdf: { name: 'argon2id', ops: 2, mem: 19 * 1024 * 1024 },
  },
  { kind: 'roll', part: 0, parts: 1, voters: [{ name: 'zoë', key, weight: 3 }] },
  {
    kind: 'round',
    round: 1,
    title: 'Round 1',
    questions: [{ question: '?', answers: ['a', 'b'], min: 1, max: 1, blank: true, method: 'count' }],
    closes: null,
  },
  { kind: 'ballot', ballot: { body: Uint8Array.of(1, 2), signature: new Uint8Array(64) } },
  { kind: 'close', round: 1, reason: 'organiser' },
  {
    kind: 'result',
    round: 1,
    turnout: { voters: 1, weight: 3, voted: 1, votedWeight: 3, ballots: 1 },
    questions: [{ answers: [3, 0], blank: 0, winners: [0] }],
  },
];

function chainOf(list: readonly EntryContent[]) {
  let head: Head = EMPTY_HEAD;
  return list.map((content, index) => {
    const chained = chainEntry(head, content, 1000 + index);
    head = headAfter(chained);
    return chained;
  });
}

describe('an entry', () => {
  it('of every kind reads back as it was written, under the CID of its bytes', () => {
    for (const { entry, bytes, cid } of chainOf(contents)) {
      const read = decodeEntry(bytes);
      assert.ok(read.ok, read.ok ? '' : read.error);
      assert.deepEqual(Uint8Array.from(encodeEntry(read.value)), Uint8Array.from(bytes));
      assert.equal(read.value.kind, entry.kind);
      assert.ok(cid.equals(cidOf(bytes)));
    }
  });

  it('is another entry, or none, when any byte of it is another', () => {
    const chain = chainOf(contents);
    fc.assert(
      fc.property(fc.nat(chain.length - 1), fc.nat(), fc.integer({ min: 1, max: 255 }), (which, at, flip) => {
        const { bytes, cid } = chain[which] as (typeof chain)[number];
        const altered = Uint8Array.from(bytes);
        altered[at % bytes.length] = (altered[at % bytes.length] as number) ^ flip;
        const read = decodeEntry(altered);
        if (read.ok) assert.deepEqual(Uint8Array.from(encodeEntry(read.value)), altered);
        assert.ok(!cidOf(altered).equals(cid));
      }),
      { numRuns: 500 },
    );
  });

  it('keeps the log’s time when the clock was set back', () => {
    const [first] = chainOf(contents);
    assert.ok(first);
    assert.equal(chainEntry(headAfter(first), contents[1] as EntryContent, 5).entry.time, 1000);
  });

  it('fits in behind its predecessor only', () => {
    const [first, second, third] = chainOf(contents);
    assert.ok(first && second && third);
    assert.equal(linkProblem(headAfter(first), second.entry), undefined);
    assert.match(linkProblem(headAfter(first), third.entry) ?? '', /entry 2/);
    assert.match(linkProblem(headAfter(second), { ...third.entry, prev: first.cid }) ?? '', /"prev"/);
    assert.match(linkProblem(headAfter(second), { ...third.entry, time: 1 }) ?? '', /time/);
  });

  const [genesis] = chainOf(contents);
  const fields = genesis?.entry;
  const bad: readonly (readonly [string, unknown])[] = [
    ['of an unknown kind', { ...fields, kind: 'shuffle' }],
    ['with a field too many', { ...fields, extra: true }],
    ['of another version', { ...fields, v: 2 }],
    ['with a negative time', { ...fields, time: -1 }],
    ['with a title that has control characters', { ...fields, title: 'a\u001b[2Jb' }],
    ['with a title that shows backwards', { ...fields, title: 'a\u202eb' }],
    ['with a title that begins with a byte order mark', { ...fields, title: '\ufeffTitle' }],
    ['with a title that is not in NFC', { ...fields, title: 'e\u0301' }],
    ['with a title that is empty', { ...fields, title: '' }],
    ['with a short key', { ...fields, authority: new Uint8Array(31) }],
    ['that is a list', [1, 2, 3]],
  ];
  for (const [name, value] of bad) {
    it(`is refused ${name}`, () => {
      assert.equal(decodeEntry(encodeDagCbor(value)).ok, false);
    });
  }

  it('is refused over the size limit', () => {
    assert.equal(decodeEntry(new Uint8Array(MAX_ENTRY_BYTES + 1)).ok, false);
  });
});
