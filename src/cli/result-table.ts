import Table from 'cli-table3';
import type { Question, QuestionResult, RoundEntry, Turnout } from '../election/entries.ts';
import type { RoundResult } from '../tally/tally.ts';
import { printable } from './printable.ts';

const BAR_WIDTH = 30;
/** Terminal columns for an answer's text; longer ones wrap. */
const ANSWER_WIDTH = 40;

/** A round's result for a terminal: per question a table with bars; then the turnout. Ends in a newline. */
export function renderResult(round: Pick<RoundEntry, 'questions'>, result: RoundResult): string {
  const questions = round.questions.map((question, index) => {
    const title = round.questions.length === 1 ? question.question : `${index + 1}. ${question.question}`;
    const counted = result.questions[index];
    const table =
      counted === undefined
        ? '  (sealed: nobody knows until the trustees decrypt the sum)'
        : questionTable(question, counted, result.turnout.votedWeight);
    return `${printable(title)}\n${table}\n`;
  });
  return `${questions.join('\n')}\n${turnoutLine(result.turnout)}\n`;
}

function questionTable(question: Question, result: QuestionResult, voted: number): string {
  const mark = result.winners.length > 1 ? 'tie' : 'most votes';
  const rows = question.answers.map((answer, index) => {
    const votes = result.answers[index] ?? 0;
    const winner = result.winners.includes(index);
    return [
      wrap(printable(answer)),
      bar(votes, voted),
      String(votes),
      percent(votes, voted),
      winner ? `◀ ${mark}` : '',
    ];
  });
  if (question.blank) rows.push(['(blank)', '', String(result.blank), percent(result.blank, voted), '']);
  const table = new Table({
    chars: NO_LINES,
    style: { 'padding-left': 2, 'padding-right': 0, head: [], border: [] },
    colAligns: ['left', 'left', 'right', 'right', 'left'],
  });
  table.push(...rows);
  return `${withoutTrailingSpace(table.toString())}\n  ${outcome(question, result)}`;
}

function outcome(question: Question, { winners }: QuestionResult): string {
  const names = winners.map((index) => printable(question.answers[index] ?? '')).join(', ');
  if (winners.length === 0) return 'No answer got a vote.';
  return winners.length === 1 ? `Most votes: ${names}.` : `A tie between ${names}.`;
}

function turnoutLine(turnout: Turnout): string {
  const { voters, voted, weight, votedWeight, ballots } = turnout;
  const weighted = weight === voters ? '' : `, with ${votedWeight} of the weight of ${weight}`;
  const replaced = ballots > voted ? `; ${ballots} ballots, those replaced later included` : '';
  return `Turnout: ${voted} of ${voters} voters (${percent(voted, voters)})${weighted}${replaced}.`;
}

function percent(part: number, whole: number): string {
  return whole === 0 ? '–' : `${((100 * part) / whole).toFixed(1)} %`;
}

/** Eighths of a column, so that small differences still show. */
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

function bar(part: number, whole: number): string {
  const eighths = whole === 0 ? 0 : Math.round((8 * BAR_WIDTH * part) / whole);
  const shown = '█'.repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? '');
  return shown.padEnd(BAR_WIDTH);
}

function wrap(text: string): string {
  const lines = [''];
  for (const word of text.split(' ')) {
    const last = lines.at(-1) ?? '';
    if (last !== '' && last.length + 1 + word.length > ANSWER_WIDTH) lines.push(word);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return lines.join('\n');
}

function withoutTrailingSpace(text: string): string {
  return text.replace(/[ \t]+$/gm, '');
}

const NO_LINES = {
  ...{ top: '', 'top-mid': '', 'top-left': '', 'top-right': '' },
  ...{ bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '' },
  ...{ left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: '' },
};
