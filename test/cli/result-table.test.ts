import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { renderResult } from '#src/cli/result-table.js';
import type { Turnout } from '#src/election/entries.js';
import { QUESTION, ROUND_1, SECOND, TURNOUT_1 } from '../support/build-log.js';

const turnout: Turnout = { voters: 4, weight: 4, voted: 3, votedWeight: 3, ballots: 3 };
const show = (
  answers: readonly number[],
  winners: readonly number[],
  blank = 0,
  change: Partial<Turnout> = {},
) =>
  renderResult(
    { questions: [QUESTION] },
    { turnout: { ...turnout, ...change }, questions: [{ answers, blank, winners }] },
  );

describe('the table of a result', () => {
  it('is this, for several questions, weights and replaced ballots', () => {
    const text = renderResult({ questions: [QUESTION, SECOND] }, { turnout: TURNOUT_1, questions: ROUND_1 });
    assert.equal(
      text,
      [
        '1. Which restaurant?',
        '  Anna     ████▎                           1  14.3 %',
        '  Bella    ████████████▉                   3  42.9 %',
        '  Ciao     █████████████████████▍          5  71.4 %  ◀ most votes',
        '  (blank)                                  1  14.3 %',
        '  Most votes: Ciao.',
        '',
        '2. Open on Mondays?',
        '  Yes  ████████████▉                   3  42.9 %  ◀ most votes',
        '  No   ████▎                           1  14.3 %',
        '  Most votes: Yes.',
        '',
        'Turnout: 4 of 5 voters (80.0 %), with 7 of the weight of 8; 6 ballots, those replaced later included.',
        '',
      ].join('\n'),
    );
  });

  it('calls a tie a tie, for each of those who tie', () => {
    const text = show([1, 1, 0], [0, 1]);
    assert.equal(text.match(/◀ tie$/gm)?.length, 2);
    assert.match(text, /A tie between Anna, Bella\./);
    assert.doesNotMatch(text, /most votes/);
  });

  it('names no winner where there are no votes, and divides by no zero', () => {
    const text = show([0, 0, 0], [], 0, { voted: 0, votedWeight: 0, ballots: 0 });
    assert.match(text, /No answer got a vote\./);
    assert.doesNotMatch(text, /NaN|Infinity|◀/);
  });

  it('fills the bar for all of the votes, and never more', () => {
    const [full] = show([3, 0, 0], [0]).match(/█+/g) ?? [];
    assert.equal(full?.length, 30);
  });

  it('wraps long answers, and shows no control character', () => {
    const long = { ...QUESTION, answers: [`${'word '.repeat(30)}end`, 'b\u001b[31m', 'c'] };
    const text = renderResult(
      { questions: [long] },
      { turnout, questions: [{ answers: [1, 1, 1], blank: 0, winners: [0, 1, 2] }] },
    );
    assert.ok(text.split('\n').every((line) => line.length < 120 || line.includes('tie between')));
    assert.ok(!text.includes('\u001b'));
  });
});
