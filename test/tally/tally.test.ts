import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Choice } from '#src/election/choices.js';
import type { Question } from '#src/election/entries.js';
import { RoundTally } from '#src/tally/tally.js';

const answers = ['a', 'b', 'c', 'd'];
const question: Question = { question: '?', answers, min: 0, max: 4, blank: true, method: 'count' };
const choice: fc.Arbitrary<Choice> = fc.option(
  fc.uniqueArray(fc.nat(3), { maxLength: 4 }).map((list) => list.sort((a, b) => a - b)),
);

describe('a tally', () => {
  it('counts each voter’s last ballot with its weight, whatever came before', () => {
    const ballots = fc.array(fc.record({ voter: fc.nat(9), choice }), { maxLength: 60 });
    const weights = fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 10, maxLength: 10 });
    fc.assert(
      fc.property(ballots, weights, (cast, weight) => {
        const weightOf = (voter: number) => weight[voter] as number;
        const roll = { voters: 10, weight: weight.reduce((a, b) => a + b, 0) };
        const tally = new RoundTally([question], roll);
        const last = new Map<number, Choice>();
        for (const { voter, choice: chosen } of cast) {
          const before = last.has(voter) ? [last.get(voter) as Choice] : undefined;
          tally.add([chosen], weightOf(voter), before);
          last.set(voter, chosen);
        }

        const { turnout, questions } = tally.result();
        const sum = (of: (choice: Choice) => boolean) =>
          [...last].reduce((total, [voter, chosen]) => total + (of(chosen) ? weightOf(voter) : 0), 0);
        assert.equal(turnout.voted, last.size);
        assert.equal(
          turnout.votedWeight,
          sum(() => true),
        );
        assert.equal(turnout.ballots, cast.length);
        assert.deepEqual(
          questions[0]?.answers,
          answers.map((_, index) => sum((chosen) => chosen?.includes(index) ?? false)),
        );
        assert.equal(
          questions[0].blank,
          sum((chosen) => chosen === null),
        );
      }),
    );
  });

  it('names all who share the first place, and nobody when no answer was chosen', () => {
    const tie = new RoundTally([question], { voters: 2, weight: 2 });
    tie.add([[0, 2]], 1);
    assert.deepEqual(tie.result().questions[0]?.winners, [0, 2]);
    const none = new RoundTally([question], { voters: 2, weight: 2 });
    none.add([null], 1);
    assert.deepEqual(none.result().questions[0]?.winners, []);
  });
});
