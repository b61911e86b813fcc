import { refused, unusable } from '../../base/errors.ts';
import type { Policy, Voter } from '../../election/entries.ts';
import { type Registration, registrarFingerprint, rollFingerprint } from '../../election/registration.ts';
import { firstIssue, titleSchema } from '../../election/schemas.ts';
import { concernsOf } from '../../election/small-groups.ts';
import type { Io } from '../io.ts';
import { showProgress } from '../progress.ts';
import { adminLine } from './command-lines.ts';
import { CREDENTIALS_FOLDER } from '../credentials/credentials.ts';
import type { Surroundings } from './dispatch.ts';
import { type MadeElection, type NewElection, initElection } from './init.ts';
import { questionSummary } from './question-text.ts';
import { type ListedVoter, parseRoll } from '../credentials/roll-file.ts';
import { type RoundOptions, questionsFrom } from './round-options.ts';
import { readRollFile } from '../../store/roll-files.ts';
import { readTextFile } from '../text-file.ts';
import { readTrusteePublicKey } from './trustee-keys.ts';
import { type InviteOptions, wishedTrustees } from './trustee-options.ts';
import { invitationsText } from './trustees-commands.ts';
import { INVITATIONS_FOLDER, type WishedTrustees } from './invitations.ts';
import { programLine } from '../program-line.ts';
import { formatTime, fromNowInWords } from '../time.ts';

export interface InitOptions extends RoundOptions, InviteOptions {
  readonly title: string;
  readonly description: string;
  /** One of the two. */
  readonly voters?: string;
  readonly roll?: string;
  /** With a roll: the fingerprint that its registrar must have. */
  readonly registrar?: string;
  readonly revote: Policy['revote'];
  readonly names: Policy['names'];
  readonly secrecy: Policy['secrecy'];
  readonly smallGroups?: 'warn' | 'refuse';
  readonly trustee: readonly string[];
  readonly address?: string;
}

/** `admin init`: makes an election from plain files, and says what was understood and what comes next. */
export async function initCommand({ place, io, output }: Surroundings, options: InitOptions): Promise<void> {
  const title = tidyTitle(options.title);
  const questions = await questionsFrom(options, title);
  const registration = await registrationFrom(options);
  const listed = registration?.voters.map(asListed) ?? (await readVoters(io, options.voters));
  const wish: NewElection = {
    title,
    description: options.description.normalize('NFC').trim(),
    policy: policyOf({ ...options, names: registration?.names ?? options.names }),
    trustees: await Promise.all(options.trustee.map(readTrusteePublicKey)),
    invited: wishedTrustees(options),
    listed,
    ...(registration === undefined ? {} : { registration }),
    firstRound: { title, questions, opens: options.opens ?? null, closes: options.closes ?? null },
    open: options.open === true,
    untested: options.untestedTrustees === true,
    address: options.address,
  };
  const made = await makeElection({ place, io, output }, wish);
  const concerns = wish.policy.secrecy === 'open' ? [] : concernsOf(weightsOf(listed), questions);
  output.emit({
    event: 'created',
    electionId: made.electionId,
    fingerprint: made.fingerprint,
    uuid: made.uuid,
    data: place.data,
    keyFile: made.keyFile,
    trusteeKeyFile: made.trusteeKeyFile ?? null,
    trustees: wish.trustees.length + (made.trusteeKeyFile === undefined ? 0 : 1),
    voters: listed.length,
    secrets: made.credentials.length,
    credentialFiles: made.credentialFiles.map((name) => `${CREDENTIALS_FOLDER}/${name}`),
    invitations: made.invitationFiles.map((name) => `${INVITATIONS_FOLDER}/${name}`),
    ...(registration === undefined
      ? {}
      : {
          registrar: registrarFingerprint(registration.registrar),
          roll: rollFingerprint(registration),
        }),
    concerns,
    opens: options.opens ?? null,
    closes: options.closes ?? null,
    open: wish.open,
  });
  output.say(createdText(place, wish, made));
  for (const { message } of concerns) output.warn(`WARNING: ${message}`);
}

function policyOf(options: InitOptions): Policy {
  const { secrecy, revote, names, smallGroups, trustee } = options;
  const invites = options.invite.length + options.inviteSingle.length > 0;
  if (secrecy === 'open' && (trustee.length > 0 || invites))
    throw unusable('usage', 'Open ballots need no trustees: leave them out, or --secrecy open.');
  if (trustee.length > 0 && invites)
    throw unusable(
      'usage',
      'Either trustees have keys (--trustee), or they are invited to make them (--invite).',
    );
  if (options.open === true && invites)
    throw unusable(
      'usage',
      'The first round can open only after the trustees have made their keys: leave out --open.',
    );
  if (secrecy === 'open' && smallGroups !== undefined)
    throw unusable('usage', 'Open ballots hide nothing: leave out --small-groups, or --secrecy open.');
  return { secrecy, revote, names, ...(smallGroups === undefined ? {} : { smallGroups }) };
}

function* weightsOf(listed: readonly ListedVoter[]): Generator<number> {
  for (const { weight } of listed) yield weight;
}

async function registrationFrom({ voters, roll, registrar }: InitOptions): Promise<Registration | undefined> {
  if (roll === undefined) {
    if (registrar !== undefined)
      throw unusable('usage', 'Only a roll has a registrar: name it with --roll, or leave out --registrar.');
    return undefined;
  }
  if (voters !== undefined)
    throw unusable('usage', 'The voters come from one file: leave out --voters, or --roll.');
  const registration = await readRollFile(roll);
  const found = registrarFingerprint(registration.registrar);
  if (registrar === undefined || registrar === found) return registration;
  throw refused('wrong-registrar', `${roll} is signed by the registrar ${found}, not by ${registrar}.`, {
    hint: 'Compare the fingerprint with your registrar, aloud; do not make the election with this roll if they differ.',
  });
}

function asListed({ name, key, weight }: Voter): ListedVoter {
  return { username: name, name: '', email: '', weight, publicKey: key };
}

async function readVoters(io: Io, file: string | undefined): Promise<ListedVoter[]> {
  if (file === undefined) {
    throw unusable(
      'usage',
      "There are no voters: name their list with --voters, or a registrar's roll with --roll.",
      {
        hint: `See "${programLine('admin')} init --help".`,
      },
    );
  }
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
  lines.push(...secrecyLines(place, wish, made));
  if (wish.registration !== undefined) lines.push(...registrarLines(wish.registration));
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

function registrarLines(registration: Registration): string[] {
  return [
    "The roll is a registrar's, who alone made the voters' secrets. Compare both with the registrar, aloud:",
    `  Registrar    ${registrarFingerprint(registration.registrar)}`,
    `  Roll         ${rollFingerprint(registration)}`,
  ];
}

/** Who can see how people vote, said plainly. */
function secrecyLines(
  place: Surroundings['place'],
  { policy, trustees, invited }: NewElection,
  { trusteeKeyFile, invitationFiles }: MadeElection,
): string[] {
  if (policy.secrecy === 'open')
    return ['The ballots are open: everybody who reads the log sees who voted what.'];
  if (invited !== undefined)
    return [...invitedLines(invited), invitationsText(place.data, invitationFiles.length)];
  if (trusteeKeyFile === undefined) {
    return [
      trustees.length === 1
        ? 'The ballots are sealed for one trustee, who must decrypt the result.'
        : `The ballots are sealed for ${trustees.length} trustees, all of whom must decrypt the result together.`,
    ];
  }
  return [
    `The ballots are sealed, and you hold the only key that opens them: ${trusteeKeyFile}`,
    '  Whoever has it can open single ballots too, so voters must trust you not to; without it there is no result.',
    '  Better: invite other people to hold it together, so that nobody alone can open a ballot and one lost key costs nothing:',
    `  "${programLine('admin')} trustees invite --invite Ana --invite Ben --invite Cleo --threshold 2", before the first round opens.`,
  ];
}

function invitedLines({ singles, members, threshold }: WishedTrustees): string[] {
  const all = [...singles, ...members];
  const needed =
    members.length === 0
      ? 'all of whom must decrypt the result together'
      : `of whom ${[...singles, `${threshold} of ${members.join(', ')}`].join(' and ')} must decrypt the result`;
  return [`The ballots will be sealed for ${all.length} trustees, ${needed}.`];
}
