import type { Question } from './entries.ts';

/** A vote on one question: the chosen answers' indexes, strictly increasing; null is a blank vote. */
export type Choice = readonly number[] | null;

/** Every reason why choices are not a valid vote on these questions; empty when they are. */
export function choiceProblems(choices: readonly Choice[], questions: readonly Question[]): string[] {
  if (choices.length !== questions.length) {
    return [`${choices.length} answered questions where the round has ${questions.length}`];
  }
  return questions.flatMap((question, index) => {
    const found = choiceProblem(choices[index] as Choice, question);
    return found === undefined ? [] : [`question ${index + 1}: ${found}`];
  });
}

function choiceProblem(choice: Choice, question: Question): string | undefined {
  if (choice === null) return question.blank ? undefined : 'a blank vote is not allowed';
  for (const [i, answer] of choice.entries()) {
    if (answer >= question.answers.length) return `there is no answer number ${answer + 1}`;
    if (i > 0 && answer <= (choice[i - 1] as number))
      return 'the answers are not in strictly increasing order';
  }
  if (choice.length < question.min) return `${choice.length} chosen, at least ${question.min} needed`;
  if (choice.length > question.max) return `${choice.length} chosen, at most ${question.max} allowed`;
  return undefined;
}
