import type { Credential } from './credentials.ts';
import { type SheetElection, sheetWords } from './sheets.ts';

/** Columns of the text; a longer word, such as an address, gets a line of its own. */
const WIDTH = 76;

/** The voters' sheets as plain text, for mail and for printers without a browser: a form feed between two. */
export function sheetsText(election: SheetElection, credentials: readonly Credential[]): string {
  return credentials.map((credential) => sheet(election, credential)).join('\f');
}

function sheet(election: SheetElection, { username, name, secret }: Credential): string {
  const words = sheetWords(election);
  return [
    election.title,
    ...(name === '' ? [] : [`For ${name}`]),
    '',
    `Username: ${username}`,
    `Secret:   ${secret}`,
    '',
    `${words.fingerprint}: ${election.fingerprint}`,
    words.address,
    `  ${election.address ?? '_'.repeat(WIDTH - 2)}`,
    '',
    'How to vote',
    ...words.steps.flatMap((step, index) => wrap(step.replaceAll('`', '"'), `${index + 1}. `)),
    '',
    ...wrap(words.note, ''),
    '',
  ].join('\n');
}

function wrap(text: string, begin: string): string[] {
  const lines: string[] = [];
  let line = begin;
  for (const word of text.split(' ')) {
    if (line.trim() !== begin.trim() && line.length + word.length > WIDTH) {
      lines.push(line.trimEnd());
      line = ' '.repeat(begin.length);
    }
    line += `${word} `;
  }
  return [...lines, line.trimEnd()];
}
