import { join } from 'node:path';
import { refused, unusable } from '../../base/errors.ts';
import type { Console } from '../console.ts';
import type { Io } from '../io.ts';
import { printable } from '../printable.ts';
import { showProgress } from '../progress.ts';
import { askerOf } from '../voter/ask.ts';
import { KEY_FILE, ROLL_FILE, isThere, secretsFolderOf } from './folder.ts';
import { deleteSecrets, readSecrets, writeSecrets } from './secrets.ts';

export interface DeleteFlags {
  readonly voter?: string;
  readonly yes?: true;
}

/**
 * Deletes the secrets in a registrar's folder, of all voters or of one, once somebody agreed; done already, it says so. Throws
 * `not-a-registrar-folder`, `no-such-secret`, `not-confirmed`, a usage error where nobody can be asked, or the file system's refusal.
 */
export async function deleteCommand(folder: string, flags: DeleteFlags, io: Io, out: Console): Promise<void> {
  const secrets = await secretsFolderOf(folder);
  if (!(await isThere(secrets, 'isDirectory'))) {
    out.emit({ event: 'deleted', folder, files: [], voters: 0 });
    out.say(`There are no secrets in ${folder} (any more). ${staysText(folder)}\n`);
    return;
  }
  if (flags.voter === undefined) await deleteAll(folder, secrets, flags, io, out);
  else await deleteOne(secrets, flags.voter, flags, io, out);
}

async function deleteAll(
  folder: string,
  secrets: string,
  flags: DeleteFlags,
  io: Io,
  out: Console,
): Promise<void> {
  await expectConsent(
    'Delete the secrets of all voters? Who has no sheet yet can never vote with one.',
    flags,
    io,
  );
  const files = await deleteSecrets(secrets);
  out.emit({ event: 'deleted', folder, files });
  out.say(`Deleted: ${secrets} with ${files.map(printable).join(', ')}\n${staysText(folder)}\n${TRACES}`);
}

/** Every file is written anew without the voter, so that what is left of the secret is on the voter's sheet. */
async function deleteOne(
  secrets: string,
  voter: string,
  flags: DeleteFlags,
  io: Io,
  out: Console,
): Promise<void> {
  const username = voter.normalize('NFC').trim();
  const { election, credentials } = await readSecrets(secrets);
  const kept = credentials.filter((one) => one.username !== username);
  if (kept.length === credentials.length) {
    throw refused('no-such-secret', `There is no secret of a voter "${printable(username)}" in ${secrets}.`, {
      hint: 'It was deleted before, the voter made an own key, or the username is another: see credentials.csv.',
    });
  }
  await expectConsent(`Delete the secret of "${printable(username)}"?`, flags, io);
  const progress = showProgress(io, 'Writing sheets', kept.length);
  let files: string[];
  try {
    files =
      kept.length === 0
        ? await deleteSecrets(secrets)
        : await writeSecrets(secrets, { election, credentials: kept }, progress.update);
  } finally {
    progress.stop();
  }
  out.emit({ event: 'voter-deleted', voter: username, secrets: kept.length });
  out.say(
    kept.length === 0
      ? `Deleted: the secret of "${printable(username)}", the last one, and with it ${secrets}\n${TRACES}`
      : `Deleted: the secret of "${printable(username)}". The secrets of ${kept.length} other voters stay, in ${files.join(', ')}\n${TRACES}`,
  );
}

/** A registrar who deletes without having thought of it has no way back. */
async function expectConsent(question: string, { yes }: DeleteFlags, io: Io): Promise<void> {
  if (yes === true) return;
  const ask = await askerOf(io);
  if (ask === undefined) {
    throw unusable('usage', 'Nothing was deleted: there is no terminal to ask whether it shall be.', {
      hint: 'Say it with --yes.',
    });
  }
  if (!(await ask.confirm(question, false))) throw refused('not-confirmed', 'Nothing was deleted.');
}

function staysText(folder: string): string {
  return `What stays: ${join(folder, ROLL_FILE)}, which is public, and your key, ${join(folder, KEY_FILE)}; neither holds a voter's secret.`;
}

const TRACES =
  'Copies elsewhere (a mail merge, a print queue, a backup) are yours to delete; a disk may keep traces of what was on it.\n';
