import { unusable } from '../../base/errors.ts';
import type { Policy } from '../../election/entries.ts';
import { firstIssue, titleSchema } from '../../election/schemas.ts';
import type { Io } from '../io.ts';
import { showProgress } from '../progress.ts';
import { adminLine } from './command-lines.ts';
import { CREDENTIALS_FOLDER } from './credentials.ts';
import type { Surroundings } from './dispatch.ts';
import { type MadeElection, type NewElection, initElection } from './init.ts';
import { questionSummary } from './question-text.ts';
import { type ListedVoter, parseRoll } from './roll-file.ts';
import { type RoundOptions, questionsFrom } from './round-options.ts';
import { readTextFile } from './text-file.ts';
import { formatTime, fromNowInWords } from '../time.ts';

export interface InitOptions extends RoundOptions {
  readonly title: string;
  readonly description: string;
  readonly voters: string;
  readonly revote: Policy['revote'];
  readonly names: Policy['names'];
  readonly address?: string;
}

/** `admin init`: makes an election from plain files, and says what was understood and what comes next. */
export async function initCommand({ place, io, output }: Surroundings, options: InitOptions): Promise<void> {
  const title = tidyTitle(options.title);
  const questions = await questionsFrom(options, title);
  const listed = await readRoll(io, options.voters);
  const wish: NewElection = {
    title,
    description: options.description.normalize('NFC').trim(),
    policy: { secrecy: 'open', revote: options.revote, names: options.names },
    listed,
    firstRound: { title, questions, opens: options.opens ?? null, closes: options.closes ?? null },
    open: options.open === true,
    address: options.address,
  };
  const made = await makeElection({ place, io, output }, wish);
  output.emit({
    event: 'created',
    electionId: made.electionId,
    fingerprint: made.fingerprint,
    uuid: made.uuid,
    data: place.data,
    keyFile: made.keyFile,
    voters: listed.length,
    secrets: made.credentials.length,
    credentialFiles: made.credentialFiles.map((name) => `${CREDENTIALS_FOLDER}/${name}`),
    opens: options.opens ?? null,
    closes: options.closes ?? null,
    open: wish.open,
  });
  output.say(createdText(place, wish, made));
}

async function readRoll(io: Io, file: string): Promise<ListedVoter[]> {
  const progress = showProgress(io, 'Reading voters');
  try {
    return parseRoll(await readTextFile(file), file, progress.update);
  } finally {
    progress.stop();
  }
}

async function makeElection({ place, io }: Surroundings, wish: NewElection): Promise<MadeElection> {
  const withSecrets = wish.listed.filter(({ publicKey }) => publicKey === null).length;
  const making = showProgress(io, 'Making credentials', withSecrets);
  const writing = showProgress(io, 'Writing the roll', wish.listed.length);
  try {
    return await initElection(place, wish, {
      onCredentials: making.update,
      onRoll: (done) => {
        making.stop();
        writing.update(done);
      },
      signal: io.signal,
    });
  } finally {
    making.stop();
    writing.stop();
  }
}

/** A title as the log takes it. Throws a usage error. */
export function tidyTitle(typed: string): string {
  const title = titleSchema.safeParse(typed.normalize('NFC').trim());
  if (!title.success) throw unusable('usage', `The title can't be used: ${firstIssue(title.error)}.`);
  return title.data;
}

function createdText(place: Surroundings['place'], wish: NewElection, made: MadeElection): string {
  const { firstRound, listed } = wish;
  const now = Date.now();
  const at = (time: number) => `${formatTime(time)}, ${fromNowInWords(time, now)}`;
  const weight = listed.reduce((sum, voter) => sum + voter.weight, 0);
  const lines = [
    `The election "${wish.title}" is ready.`,
    `  Election     ${made.electionId}`,
    `  Fingerprint  ${made.fingerprint}`,
    `  Voters       ${listed.length}${weight === listed.length ? '' : `, of weight ${weight} together`}`,
    ...firstRound.questions.map(questionSummary),
    wish.open
      ? '  Voting is open.'
      : `  Voting opens ${firstRound.opens === null ? 'with "admin open"' : at(firstRound.opens)}.`,
    `  Voting closes ${firstRound.closes === null ? 'with "admin close"' : at(firstRound.closes)}.`,
    '',
    `Your key: ${made.keyFile}`,
    '  Keep a copy in a safe place, and keep it to yourself: whoever has it can speak for this election.',
  ];
  if (made.credentials.length > 0) {
    lines.push(
      `Secrets for ${made.credentials.length} voters: ${place.data}/${CREDENTIALS_FOLDER}`,
      '  Print the sheets, hand them out, then delete that folder. They are stored nowhere else.',
    );
  }
  lines.push(
    'Start it:',
    `  ${adminLine(place, '--listen /ip6/::/tcp/4000 --listen /ip4/0.0.0.0/tcp/4000')}`,
  );
  return lines.join('\n');
}
