import { renderResult } from '../result-table.ts';
import { checksText, namesItself } from './results.ts';
import type { QuestionOutcome, ResultDocument } from './reports.ts';

/** A result for the terminal: what it is of, a table with bars for each question, and what to check it by. */
export function resultText(result: ResultDocument): string {
  const questions = result.questions.map(({ question, answers, min, max, blankAllowed }) => ({
    question,
    answers: answers.map(({ answer }) => answer),
    min,
    max,
    blank: blankAllowed,
    method: 'count' as const,
  }));
  const table = renderResult(
    { questions },
    { turnout: result.turnout, questions: result.questions.map(counted) },
  );
  const heading = `${result.title}: result of round ${result.round}${namesItself(result) ? '' : ` (${result.roundTitle})`}`;
  return `${heading}\n\n${table}${checksText(result.checks)}.\nLog: ${result.log.size} entries up to this result, ${result.log.head}`;
}

function counted({ answers, blank }: QuestionOutcome) {
  return {
    answers: answers.map(({ votes }) => votes),
    blank,
    winners: answers.flatMap(({ winner }, index) => (winner ? [index] : [])),
  };
}
