import { randomBytes, randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { compareBytes, utf8ToBytes } from '../../base/bytes.ts';
import { refused, unusable } from '../../base/errors.ts';
import { DEFAULT_KDF, pseudonym } from '../../crypto/credential.ts';
import { publicKeyOf } from '../../crypto/signature.ts';
import type { Policy, Voter } from '../../election/entries.ts';
import { MAX_TEXT_BYTES } from '../../election/limits.ts';
import {
  type Registration,
  encodeRollFile,
  makeRegistration,
  registrarFingerprint,
  registrationProblem,
  rollFingerprint,
} from '../../election/registration.ts';
import { firstIssue, titleSchema } from '../../election/schemas.ts';
import { syncFolder, writeSecretFile } from '../../store/files.ts';
import { writeKeyFile } from '../../store/key-files.ts';
import type { Console } from '../console.ts';
import { type MadeCredentials, makeCredentials } from '../credentials/credentials.ts';
import { type ListedVoter, parseRoll } from '../credentials/roll-file.ts';
import type { Io } from '../io.ts';
import { programLine, quotePath } from '../program-line.ts';
import { showProgress } from '../progress.ts';
import { readTextFile } from '../text-file.ts';
import { expectFreeFolder, moveToPlace, newWorkFolder } from '../work-folder.ts';
import { KEY_FILE, ROLL_FILE, SECRETS_FOLDER } from './folder.ts';
import { writeSecrets } from './secrets.ts';

export interface MakeFlags {
  readonly voters: string;
  readonly title: string;
  readonly address?: string;
  readonly names: Policy['names'];
  readonly out: string;
}

/**
 * Makes the voters' secrets, and the roll that the organiser gets in their place, signed. The folder is built under another name and
 * moved to its place at the end, so that whenever the power goes there is either all of it or nothing. Throws `bad-roll`,
 * `folder-not-empty`, `interrupted`, a usage error, or the file system's refusal.
 */
export async function make(flags: MakeFlags, io: Io, out: Console): Promise<void> {
  const title = tidy(flags.title, 'title');
  const address = flags.address === undefined ? undefined : tidy(flags.address, 'address');
  const folder = resolve(flags.out);
  await expectFreeFolder(folder, flags.out, '--out');
  const listed = await readVoters(io, flags.voters);
  const terms = { uuid: randomUUID(), kdf: DEFAULT_KDF, names: flags.names };
  const made = await credentialsFor(io, listed, terms);
  const seed = new Uint8Array(randomBytes(32));
  const registration = makeRegistration(terms, asOnRoll(made.voters, flags.names), seed);
  const problem = registrationProblem(registration);
  if (problem !== undefined) throw unusable('bad-roll', `${flags.voters} can't be used: ${problem}.`);
  const fingerprint = registrarFingerprint(registration.registrar);
  const work = await newWorkFolder(folder);
  try {
    await writeSecretFile(join(work, ROLL_FILE), encodeRollFile(registration));
    await writeKeyFile(join(work, KEY_FILE), { role: 'registrar', seed, publicKey: publicKeyOf(seed) });
    const election = { title, of: 'registrar', fingerprint, address } as const;
    const files = await writeSheets(io, work, { election, credentials: made.credentials });
    await syncFolder(work);
    await moveToPlace(work, folder, '--out');
    out.emit({
      event: 'made',
      folder: flags.out,
      roll: join(flags.out, ROLL_FILE),
      keyFile: join(flags.out, KEY_FILE),
      uuid: terms.uuid,
      names: terms.names,
      voters: made.voters.length,
      secrets: made.credentials.length,
      credentialFiles: files.map((name) => `${SECRETS_FOLDER}/${name}`),
      registrar: fingerprint,
      rollFingerprint: rollFingerprint(registration),
    });
    out.say(madeText(flags.out, title, registration, made));
  } catch (error) {
    await rm(work, { recursive: true, force: true });
    throw error;
  }
}

async function readVoters(io: Io, file: string): Promise<ListedVoter[]> {
  const progress = showProgress(io, 'Reading voters');
  try {
    return parseRoll(await readTextFile(file), file, progress.update);
  } finally {
    progress.stop();
  }
}

async function credentialsFor(
  io: Io,
  listed: readonly ListedVoter[],
  terms: Pick<Registration, 'uuid' | 'kdf'>,
): Promise<MadeCredentials> {
  const progress = showProgress(
    io,
    'Making credentials',
    listed.filter(({ publicKey }) => publicKey === null).length,
  );
  try {
    return await makeCredentials(listed, terms, {
      random: randomBytes,
      onProgress: progress.update,
      signal: io.signal,
    });
  } finally {
    progress.stop();
  }
}

/** The roll as the log wants it: named as the policy says, sorted by name. */
function asOnRoll(voters: readonly Voter[], names: Policy['names']): Voter[] {
  return voters
    .map((voter) => (names === 'pseudonym' ? { ...voter, name: pseudonym(voter.key) } : voter))
    .map((voter) => ({ voter, sortKey: utf8ToBytes(voter.name) }))
    .sort((a, b) => compareBytes(a.sortKey, b.sortKey))
    .map(({ voter }) => voter);
}

async function writeSheets(
  io: Io,
  work: string,
  secrets: Parameters<typeof writeSecrets>[1],
): Promise<string[]> {
  if (secrets.credentials.length === 0) return [];
  const folder = join(work, SECRETS_FOLDER);
  await mkdir(folder, { mode: 0o700 });
  const progress = showProgress(io, 'Writing sheets', secrets.credentials.length);
  try {
    return await writeSecrets(folder, secrets, (voters) => {
      progress.update(voters);
      if (io.signal.aborted) throw refused('interrupted', 'Interrupted; nothing was written.');
    });
  } finally {
    progress.stop();
  }
}

/** One line of text as the log and the sheets take it. Throws a usage error. */
function tidy(typed: string, what: string): string {
  const text = titleSchema.safeParse(typed.normalize('NFC').trim());
  if (!text.success) throw unusable('usage', `The ${what} can't be used: ${firstIssue(text.error)}.`);
  // A sheet has a page, and its reader some patience.
  if (what !== 'title' && text.data.length > MAX_TEXT_BYTES / 4)
    throw unusable('usage', `The ${what} is longer than ${MAX_TEXT_BYTES / 4} characters.`);
  return text.data;
}

function madeText(
  folder: string,
  title: string,
  registration: Registration,
  { voters, credentials }: MadeCredentials,
): string {
  const roll = quotePath(join(folder, ROLL_FILE));
  return [
    `The roll for "${title}" is ready.`,
    `  Voters       ${voters.length}, ${credentials.length} of whom get a secret from you`,
    `  Registrar    ${registrarFingerprint(registration.registrar)}`,
    `  Roll         ${rollFingerprint(registration)}`,
    '',
    `1. Send the organiser ${roll}, which holds no secret, and nothing else of this folder. Read both fingerprints aloud`,
    '   to each other. The organiser makes the election with:',
    `     node dist/admin.js init --roll roll.json …`,
    ...(credentials.length === 0
      ? []
      : [
          `2. Print the sheets in ${join(folder, SECRETS_FOLDER)}, and hand each voter their own.`,
          '3. Then delete the secrets, which are stored nowhere else:',
          `     ${programLine('registrar')} delete ${quotePath(folder)}`,
        ]),
    '',
    `Your key: ${join(folder, KEY_FILE)}`,
    '  It proves that the roll is yours. Keep it to yourself.',
    '',
  ].join('\n');
}
