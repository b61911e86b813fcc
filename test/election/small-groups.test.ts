import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { Question } from '#src/election/entries.js';
import { SMALL_GROUP, concernsOf } from '#src/election/small-groups.js';

const QUESTION: Question = {
  question: 'Which one?',
  answers: ['a', 'b'],
  min: 1,
  max: 1,
  blank: false,
  method: 'count',
};
const kinds = (weights: readonly number[], questions = [QUESTION]) =>
  concernsOf(weights, questions).map(({ kind }) => kind);

describe('the guard of small groups', () => {
  it('says nothing of enough voters with one weight', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: SMALL_GROUP, max: 40 }),
        fc.integer({ min: 1, max: 1000 }),
        (voters, weight) => {
          assert.deepEqual(kinds(Array.from({ length: voters }, () => weight)), []);
        },
      ),
    );
  });

  it('warns of few voters, and not of none', () => {
    for (let voters = 1; voters < SMALL_GROUP; voters++)
      assert.deepEqual(kinds(Array.from({ length: voters }, () => 1)), ['few-voters']);
    assert.deepEqual(kinds([]), []);
  });

  it('warns of a weight that stands out in every sum', () => {
    const ten = Array.from({ length: 10 }, () => 1);
    const [concern, ...more] = concernsOf([...ten, 100], [QUESTION]);
    assert.deepEqual([concern?.kind, more], ['rare-weight', []]);
    assert.match(concern?.message ?? '', /One voter has the weight 100/);
    // Ten votes of 1 reach 10, so that a sum of 10 may have one of weight 10 in it or not.
    assert.deepEqual(kinds([...ten, 10, 10]), []);
    assert.deepEqual(kinds([...ten, 11, 11]), ['rare-weight']);
    // The light ones are few, and what they gave is what is left over.
    assert.deepEqual(kinds([1, 1, ...Array.from({ length: 9 }, () => 5)]), ['rare-weight']);
  });

  it('is right: where it finds a group of its own, every sum of answers tells what that group gave', () => {
    const weights = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(weights, fc.infiniteStream(fc.boolean()), (all, chosen) => {
        const sorted = [...all].sort((a, b) => a - b);
        const votes = sorted.map((weight) => (chosen.next().value ? weight : 0));
        const sum = votes.reduce((total, vote) => total + vote, 0);
        for (const [at, weight] of sorted.entries()) {
          const lighter = sorted.slice(0, at).reduce((total, one) => total + one, 0);
          if (lighter >= weight || sorted[at - 1] === weight || at === 0) continue;
          // What the heavier ones gave is a sum of theirs; no other sum of theirs fits.
          const heavier = sorted.slice(at);
          const given = votes.slice(at).reduce((total, vote) => total + vote, 0);
          const fitting = subsetSums(heavier).filter((one) => one <= sum && sum - one <= lighter);
          assert.ok(fitting.includes(given));
        }
      }),
    );
  });

  it('warns of a question on which everybody must vote the same', () => {
    assert.deepEqual(kinds([1, 1, 1, 1, 1], [{ ...QUESTION, min: 2, max: 2 }]), ['no-choice']);
    assert.deepEqual(kinds([1, 1, 1, 1, 1], [{ ...QUESTION, min: 2, max: 2, blank: true }]), []);
    assert.deepEqual(kinds([1, 1, 1, 1, 1], [{ ...QUESTION, answers: ['a'], min: 0, max: 1 }]), []);
  });
});

function subsetSums(weights: readonly number[]): number[] {
  return [
    ...weights.reduce(
      (sums, weight) => new Set([...sums, ...[...sums].map((one) => one + weight)]),
      new Set([0]),
    ),
  ];
}
