import type { Question } from '#src/election/entries.js';

/** What the sealed benches ask, as the elections do that Belenios' own program made for comparison. */
export const FIVE_ANSWERS: Question = {
  question: 'Which one?',
  answers: ['one', 'two', 'three', 'four', 'five'],
  min: 1,
  max: 1,
  blank: false,
  method: 'count',
};
