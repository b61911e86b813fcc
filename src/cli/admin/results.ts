import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'csv-stringify/sync';
import { writeFileAtomic } from '../../store/files.ts';
import { fileError } from '../../store/fs-errors.ts';
import type { CheckCounts } from '../../services/ballot-checks.ts';
import type { QuestionOutcome, ResultDocument } from './reports.ts';
import { isoTime } from '../time.ts';

const FOLDER = 'results';

/** Writes a result as JSON, CSV and Markdown, in place of earlier files; resolves to their names in the data folder. */
export async function writeResultFiles(dataFolder: string, result: ResultDocument): Promise<string[]> {
  const folder = join(dataFolder, FOLDER);
  await mkdir(folder, { recursive: true }).catch((error: unknown) => {
    throw fileError(error, folder);
  });
  const formats = { json: resultJson, csv: resultCsv, md: resultMarkdown };
  const names: string[] = [];
  for (const [extension, format] of Object.entries(formats)) {
    const name = `round-${result.round}.${extension}`;
    await writeFileAtomic(join(folder, name), format(result));
    names.push(`${FOLDER}/${name}`);
  }
  return names;
}

/** As `ResultDocument`, with times in ISO 8601. */
export function resultJson(result: ResultDocument): string {
  return `${JSON.stringify({ ...result, opened: isoTime(result.opened), closed: isoTime(result.closed) }, null, 2)}\n`;
}

/**
 * One table for all that there is to say: which part it is about, which question, what, and the value. Cells that a
 * spreadsheet would run as a formula get an apostrophe before them.
 */
export function resultCsv(result: ResultDocument): string {
  const rows: (readonly (string | number)[])[] = [['part', 'question', 'item', 'value', 'outcome']];
  for (const [item, value] of facts(result)) rows.push(['election', '', item, value, '']);
  for (const [item, value] of Object.entries(result.turnout)) rows.push(['turnout', '', item, value, '']);
  for (const [item, value] of Object.entries(result.checks)) rows.push(['checks', '', item, value, '']);
  for (const { question, answers, blank, outcome } of result.questions) {
    for (const { answer, votes, winner } of answers) {
      rows.push(['answer', question, answer, votes, winner ? outcome : '']);
    }
    rows.push(['blank', question, '', blank, '']);
  }
  return stringify(rows, { escape_formulas: true, record_delimiter: 'windows' });
}

function facts(result: ResultDocument): (readonly [string, string | number])[] {
  return [
    ['title', result.title],
    ['election id', result.electionId],
    ['fingerprint', result.fingerprint],
    ['round', result.round],
    ['round title', result.roundTitle],
    ['opened', isoTime(result.opened)],
    ['closed', isoTime(result.closed)],
    ['closed by', result.closedBy],
    ['log size', result.log.size],
    ['log head', result.log.head],
    ['checkpoint', result.log.checkpoint],
  ];
}

/** A page to publish; text from the election is escaped, so that it is shown and never obeyed. */
export function resultMarkdown(result: ResultDocument): string {
  const { turnout, log } = result;
  const sections = result.questions.map((question) => {
    const rows = question.answers.map(
      ({ answer, votes, winner }) =>
        `| ${md(answer)} | ${votes} | ${winner ? outcomeMark(question.outcome) : ''} |`,
    );
    const blank = question.blankAllowed ? [`| *blank* | ${question.blank} | |`] : [];
    return [
      `## ${md(question.question)}`,
      '',
      '| Answer | Votes | |',
      '|---|---:|---|',
      ...rows,
      ...blank,
      '',
      outcomeText(question, md),
    ].join('\n');
  });
  const weighted =
    turnout.weight === turnout.voters ? '' : `, ${turnout.votedWeight} of ${turnout.weight} by weight`;
  const roundTitle = namesItself(result) ? '' : `${md(result.roundTitle)}\n\n`;
  return `# ${md(result.title)}: result of round ${result.round}

${roundTitle}${sections.join('\n\n')}

## Turnout

${turnout.voted} of ${turnout.voters} voters${weighted}; ${turnout.ballots === 1 ? '1 ballot' : `${turnout.ballots} ballots`}, replaced ones included.

${checksText(result.checks)}, as far as the organiser's computer was told.

## To check it

| | |
|---|---|
| Election | ${md(result.electionId)} |
| Fingerprint | ${md(result.fingerprint)} |
| Opened | ${isoTime(result.opened)} |
| Closed | ${isoTime(result.closed)}, by the ${result.closedBy} |
| Log entries up to this result | ${log.size} |
| Entry that states this result | ${md(log.head)} |

Checkpoint over them:

\`\`\`
${log.checkpoint.trimEnd()}
\`\`\`
`;
}

/** What voters' programs said that they found. */
export function checksText({ found, missing }: CheckCounts): string {
  return `Voters' programs looked for their ballot: ${found} found it, ${missing} did not`;
}

/** Whether the round's title says no more than its number and the election's title do. */
export function namesItself({ title, round, roundTitle }: ResultDocument): boolean {
  return roundTitle === title || roundTitle === `Round ${round}`;
}

function outcomeMark(outcome: QuestionOutcome['outcome']): string {
  return outcome === 'tie' ? 'tie' : 'most votes';
}

/** Who has the most votes, in a sentence; a tie is called a tie. */
export function outcomeText(
  { outcome, winners, answers }: QuestionOutcome,
  escape: (text: string) => string = (text) => text,
): string {
  const votes = answers.find(({ winner }) => winner)?.votes ?? 0;
  const names = winners.map(escape).join(', ');
  const each = votes === 1 ? '1 vote' : `${votes} votes`;
  switch (outcome) {
    case 'winner':
      return `Most votes: ${names} (${each}).`;
    case 'tie':
      return `A tie: ${names}, with ${each} each.`;
    case 'no-votes':
      return 'No answer got a vote.';
  }
}

/** Any ASCII punctuation may be escaped (CommonMark 0.31, section 2.4); these can begin markup inside a line. */
function md(text: string): string {
  return text.replace(/[\\`*_{}[\]<>#|&~!^$@:]/g, '\\$&');
}
