import type { Choice } from '../election/choices.ts';
import type { Question } from '../election/entries.ts';
import { printable } from './printable.ts';

/** The question's text, numbered where there are several. */
export function questionTitle(question: Question, index: number, of: number): string {
  const text = printable(question.question);
  return of === 1 ? text : `${index + 1}. ${text}`;
}

/** How many answers may be chosen, in words: `choose 1`, `choose 2 to 3, or blank`. */
export function howMany({ min, max, blank }: Question): string {
  const range = min === max ? `${max}` : min === 0 ? `up to ${max}` : `${min} to ${max}`;
  return `choose ${range}${blank ? ', or blank' : ''}`;
}

/** A vote on one question in words. */
export function choiceText(choice: Choice, question: Question): string {
  if (choice === null) return 'blank';
  if (choice.length === 0) return 'none of the answers';
  return choice.map((answer) => printable(question.answers[answer] ?? '')).join('; ');
}

/** A whole vote in words: each question with what is chosen. */
export function voteText(questions: readonly Question[], choices: readonly Choice[]): string {
  return questions
    .map(
      (question, index) =>
        `  ${questionTitle(question, index, questions.length)}\n    → ${choiceText(choices[index] ?? null, question)}\n`,
    )
    .join('');
}

/** A vote as JSON carries it: each question with the texts of the chosen answers; `blank` apart from none. */
export function ballotJson(questions: readonly Question[], choices: readonly Choice[]): object[] {
  return questions.map(({ question, answers }, index) => {
    const choice = choices[index] ?? null;
    return choice === null
      ? { question, blank: true, answers: [] }
      : { question, blank: false, answers: choice.map((answer) => answers[answer] ?? '') };
  });
}
