import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { encodeDagCbor } from '#src/base/dag-cbor.js';
import { cidOf } from '#src/crypto/cid.js';
import { publicKeyOf } from '#src/crypto/signature.js';
import {
  decodeSignedBallot,
  encodeSignedBallot,
  readBallot,
  signBallot,
  trackerOf,
} from '#src/election/ballot.js';
import { type Choice, choiceProblems } from '#src/election/choices.js';
import type { Question } from '#src/election/entries.js';
import { MAX_BALLOT_BYTES } from '#src/election/limits.js';

const seed = new Uint8Array(32).fill(7);
const round = cidOf(Uint8Array.of(1));
const question = (change: Partial<Question> = {}): Question => ({
  question: 'Which one?',
  answers: ['a', 'b', 'c'],
  min: 1,
  max: 2,
  blank: false,
  method: 'count',
  ...change,
});

const choices = fc.array(
  fc.option(fc.uniqueArray(fc.nat(999), { maxLength: 9 }).map((list) => list.sort((a, b) => a - b))),
  { minLength: 1, maxLength: 5 },
);

describe('a signed ballot', () => {
  it('reads back as what was signed, and has one tracker', () => {
    fc.assert(
      fc.property(choices, fc.integer({ min: 1, max: 0xffffffff }), (chosen, number) => {
        const bytes = encodeSignedBallot(signBallot({ form: 'open', round, number, choices: chosen }, seed));
        const signed = decodeSignedBallot(bytes);
        assert.ok(signed.ok);
        const ballot = readBallot(signed.value);
        assert.ok(ballot.ok && ballot.value.form === 'open');
        assert.deepEqual(ballot.value.choices, chosen);
        assert.equal(ballot.value.number, number);
        assert.deepEqual(ballot.value.voter, publicKeyOf(seed));
        assert.ok(ballot.value.round.equals(round));
        assert.match(trackerOf(ballot.value, bytes), /^[A-Za-z0-9+/]{43}$/);
      }),
      { numRuns: 30 },
    );
  });

  it('is refused as malformed when any byte string but its own is given', () => {
    const bytes = encodeSignedBallot(signBallot({ form: 'open', round, number: 1, choices: [[0]] }, seed));
    for (const other of [
      bytes.subarray(1),
      bytes.subarray(0, -1),
      new Uint8Array([...bytes, 0]),
      new Uint8Array(),
    ]) {
      const decoded = decodeSignedBallot(other);
      assert.equal(decoded.ok ? 'read' : decoded.error.code, 'malformed');
    }
  });

  it('is refused as too large before it is decoded', () => {
    const decoded = decodeSignedBallot(new Uint8Array(MAX_BALLOT_BYTES + 1));
    assert.equal(decoded.ok ? 'read' : decoded.error.code, 'too-large');
  });

  const good = { v: 1, round, voter: publicKeyOf(seed), number: 1, form: 'open', choices: [[0]] };
  const bodies: readonly (readonly [string, unknown])[] = [
    ['an unknown field', { ...good, extra: 1 }],
    ['an unknown form', { ...good, form: 'sealed' }],
    ['another version', { ...good, v: 2 }],
    ['number 0', { ...good, number: 0 }],
    ['a key of 31 bytes', { ...good, voter: new Uint8Array(31) }],
    ['a negative answer', { ...good, choices: [[-1]] }],
    ['a fractional answer', { ...good, choices: [[0.5]] }],
    ['no question', { ...good, choices: [] }],
    ['a link of another codec', { ...good, round: round.toV1().toString() }],
    ['no map at all', 17],
  ];
  for (const [name, body] of bodies) {
    it(`has no body with ${name}`, () => {
      const read = readBallot({ body: encodeDagCbor(body), signature: new Uint8Array(64) });
      assert.equal(read.ok ? 'read' : read.error.code, 'malformed');
    });
  }
});

describe('choices', () => {
  const cases: readonly (readonly [string, readonly Choice[], Question, boolean])[] = [
    ['one answer', [[1]], question(), true],
    ['as many as allowed', [[0, 2]], question(), true],
    ['too many', [[0, 1, 2]], question(), false],
    ['too few', [[]], question(), false],
    ['none where none is needed', [[]], question({ min: 0 }), true],
    ['an answer that does not exist', [[3]], question(), false],
    ['the same answer twice', [[1, 1]], question(), false],
    ['answers out of order', [[2, 0]], question(), false],
    ['blank where it is allowed', [null], question({ blank: true }), true],
    ['blank where it is not', [null], question(), false],
    ['an answer to a question that is not asked', [[0], [0]], question(), false],
  ];
  for (const [name, chosen, asked, valid] of cases) {
    it(`${valid ? 'may' : 'may not'} be ${name}`, () => {
      assert.equal(choiceProblems(chosen, [asked]).length === 0, valid);
    });
  }

  it('are told every fault at once, by question', () => {
    assert.deepEqual(choiceProblems([[7], null], [question(), question()]), [
      'question 1: there is no answer number 8',
      'question 2: a blank vote is not allowed',
    ]);
  });
});
