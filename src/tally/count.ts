import type { Choice } from '../election/choices.ts';
import type { QuestionResult } from '../election/entries.ts';
import type { CountingMethod } from './method.ts';

/** Each chosen answer gets the vote's weight; the answers with the most win, all of them on a tie. */
export const countMethod: CountingMethod = {
  name: 'count',
  counter(question) {
    const answers = question.answers.map(() => 0);
    let blank = 0;
    const change = (choice: Choice, weight: number) => {
      if (choice === null) blank += weight;
      else for (const answer of choice) answers[answer] = (answers[answer] as number) + weight;
    };
    return {
      add: change,
      remove: (choice, weight) => {
        change(choice, -weight);
      },
      result: () => countedVotes(answers, blank),
    };
  },
};

/** The result of a question from its votes, however they were added up. */
export function countedVotes(answers: readonly number[], blank: number): QuestionResult {
  return { answers: [...answers], blank, winners: winnersOf(answers) };
}

function winnersOf(answers: readonly number[]): number[] {
  const most = answers.reduce((max, votes) => Math.max(max, votes), 0);
  return most === 0 ? [] : answers.flatMap((votes, index) => (votes === most ? [index] : []));
}
