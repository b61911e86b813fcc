import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { writeFileAtomic } from '../../store/files.ts';
import { codeOf } from '../../store/fs-errors.ts';
import { CREDENTIALS_FILE, CREDENTIALS_FOLDER } from '../credentials/credentials.ts';
import type { Place } from './election-folder.ts';
import { type NewElection, initElection } from './init.ts';

const VOTERS = ['alice', 'bob', 'carol', 'dan', 'erin'];

const SAMPLE: NewElection = {
  title: 'Best to-go restaurant',
  description: 'A sample election, made because the data folder held none. The restaurants are invented.',
  policy: { secrecy: 'sealed', revote: 'last', names: 'public' },
  trustees: [],
  invited: undefined,
  listed: VOTERS.map((username) => ({ username, name: '', email: '', weight: 1, publicKey: null })),
  firstRound: {
    title: 'Best to-go restaurant',
    questions: [
      {
        question: 'Where do we get lunch?',
        answers: ['The Brass Ladle', 'Noodle Harbour', 'Falafel & Daughters', 'Pizzeria Quattro Venti'],
        min: 1,
        max: 1,
        blank: true,
        method: 'count',
      },
    ],
    opens: null,
    closes: null,
  },
  open: true,
  untested: false,
  address: undefined,
};

/** A file that says by its uuid that the election beside it is the sample: only then are secrets shown on screen. */
const MARKER = 'sample-election';

export async function makeSample(place: Place, signal: AbortSignal): Promise<void> {
  await initElection(place, SAMPLE, {
    signal,
    onCredentials: () => undefined,
    onRoll: () => undefined,
    finish: (folder, { uuid }) => writeFileAtomic(join(folder, MARKER), `${uuid}\n`),
  });
}

export interface SampleVoter {
  readonly username: string;
  readonly secret: string;
}

/** The sample's voters and secrets; undefined for a real election, and for a sample whose credentials were deleted. */
export async function sampleVoters(data: string, uuid: string): Promise<SampleVoter[] | undefined> {
  try {
    if ((await readFile(join(data, MARKER), 'utf8')).trim() !== uuid) return undefined;
    const rows: Record<string, string>[] = parse(
      await readFile(join(data, CREDENTIALS_FOLDER, CREDENTIALS_FILE)),
      { columns: true },
    );
    return rows.map(({ username = '', secret = '' }) => ({ username, secret }));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

export interface SampleLines {
  readonly voters: readonly SampleVoter[];
  /** A multiaddr on this machine. */
  readonly address: string;
  /** The programs as they are typed here, options for this election included. */
  readonly voterProgram: string;
  readonly adminProgram: (command: string) => string;
  readonly verifyProgram: string;
}

/** The banner of the sample election, with the exact lines to type next. */
export function sampleBanner({
  voters,
  address,
  voterProgram,
  adminProgram,
  verifyProgram,
}: SampleLines): string {
  const first = voters[0]?.username ?? '';
  const width = Math.max(...voters.map(({ username }) => username.length));
  return [
    '='.repeat(78),
    'This is the SAMPLE ELECTION, to try things out. Its secrets are shown here;',
    "a real election's never are. Make a real one with: " + adminProgram('init --help'),
    '='.repeat(78),
    '',
    'Vote from a second terminal, in this folder:',
    '',
    `  ${voterProgram} --dial ${address} --username ${first}`,
    '',
    'and type the secret of that voter when it asks:',
    '',
    ...voters.map(({ username, secret }) => `  ${username.padEnd(width)}  ${secret}`),
    '',
    'Then close the round, see the result, and check everything:',
    '',
    `  ${adminProgram('close')}`,
    `  ${verifyProgram} ${address}`,
    '',
    'For a run-off between the two best:',
    '',
    `  ${adminProgram('next-round --carry 2')}`,
    `  ${adminProgram('open')}`,
    '',
    'Ctrl-C here ends the program; started again, it goes on where it was.',
    '='.repeat(78),
  ].join('\n');
}
