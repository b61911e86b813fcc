import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { group, scalarFromBigInt } from '#src/crypto/group/group.js';
import type { Ciphertext, Question } from '#src/belenios/v1/messages.js';
import { TallySum } from '#src/belenios/v1/tally.js';

const QUESTIONS: readonly Question[] = [
  { answers: ['a', 'b'], min: 0, max: 2, question: '?' },
  { answers: ['x'], blank: true, min: 1, max: 1, question: '?' },
];

/** A stand-in for a ciphertext, whose multiples are known. */
const pair = (a: bigint, b: bigint): Ciphertext => ({
  alpha: group.multiplyBase(scalarFromBigInt(a)),
  beta: group.multiplyBase(scalarFromBigInt(b)),
});
const number = fc.bigInt({ min: 0n, max: 10n ** 30n });
const cells = fc.array(fc.tuple(number, number), { minLength: 4, maxLength: 4 });
const weight = fc.oneof(
  fc.bigInt({ min: 0n, max: 70n }),
  fc.bigInt({ min: 0n, max: 2n ** 40n }),
  fc.constantFrom(1n, 63n, 64n, 127n, 128n),
);

const choicesOf = (numbers: readonly (readonly [bigint, bigint])[]): readonly (readonly Ciphertext[])[] => {
  const row = numbers.map(([a, b]) => pair(a, b));
  return [row.slice(0, 2), row.slice(2)];
};

describe('the sum of ballots', () => {
  it('is that of every cell times its weight, and without what was taken out again', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ cells, weight, isTakenOut: fc.boolean() }), { maxLength: 4 }),
        (ballots) => {
          const sum = new TallySum({ questions: QUESTIONS });
          for (const ballot of ballots) sum.add(choicesOf(ballot.cells), ballot.weight);
          for (const ballot of ballots)
            if (ballot.isTakenOut) sum.remove(choicesOf(ballot.cells), ballot.weight);
          const counted = ballots.filter(({ isTakenOut }) => !isTakenOut);
          const expected = Array.from({ length: 4 }, (_, at): [bigint, bigint] => {
            const total = (part: 0 | 1) =>
              counted.reduce((all, ballot) => all + ballot.weight * (ballot.cells[at]?.[part] ?? 0n), 0n);
            return [total(0), total(1)];
          });
          assert.deepEqual(sum.value(), choicesOf(expected));
        },
      ),
      { numRuns: 40 },
    );
  });

  it('stays as it is when a ballot of another shape is added', () => {
    const sum = new TallySum({ questions: QUESTIONS });
    const [first = [], second = []] = choicesOf([
      [1n, 2n],
      [3n, 4n],
      [5n, 6n],
      [7n, 8n],
    ]);
    const before = sum.value();
    for (const choices of [[first], [first, second.slice(1)], [first, [...second, pair(1n, 1n)]], []])
      assert.throws(() => {
        sum.add(choices, 1n);
      }, RangeError);
    assert.deepEqual(sum.value(), before);
  });
});
