import type { Question } from '../../election/entries.ts';

/** A question and its answers on indented lines. */
export function questionSummary({ question, answers, min, max, blank }: Question): string {
  const count = min === max ? `${max}` : `${min} to ${max}`;
  const rule = `choose ${count}${blank ? ', or vote blank' : ''}`;
  return [`  ${question} (${rule})`, ...answers.map((answer) => `    - ${answer}`)].join('\n');
}
