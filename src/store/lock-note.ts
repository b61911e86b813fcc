import { readFile, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { type PsephosError, refused } from '../base/errors.ts';
import { createFile } from './files.ts';

const FILE_NAME = 'lock.json';

const noteSchema = z.strictObject({
  pid: z.int().min(1),
  program: z.string().min(1).max(64),
  host: z.string().max(256),
  since: z.iso.datetime(),
});

/**
 * Says who holds the data folder, for the error that the next program prints. The lock itself is LevelDB's (fcntl), and
 * ends with its process; a note that a killed process left is replaced by the next holder, and read by nobody before.
 */
export async function writeLockNote(folder: string, program: string): Promise<void> {
  const note: z.infer<typeof noteSchema> = {
    pid: process.pid,
    program,
    host: hostname(),
    since: new Date().toISOString(),
  };
  await createFile(join(folder, FILE_NAME), { mode: 0o600, overwrite: true }, (file) =>
    file.writeFile(`${JSON.stringify(note)}\n`),
  );
}

/** To be called while the lock is held still, or it may be the next holder's note that goes. */
export async function removeLockNote(folder: string): Promise<void> {
  try {
    await rm(join(folder, FILE_NAME), { force: true });
  } catch {
    // A disk that turned read-only keeps the note. It misleads nobody: see above.
  }
}

/** The error for a folder that another process holds. */
export async function lockedError(folder: string, cause: unknown): Promise<PsephosError> {
  return refused('store-locked', `The election in ${folder} is in use by ${await holder(folder)}.`, {
    hint: 'Stop that program, or use the commands (such as admin status), which talk to it while it runs.',
    cause,
  });
}

async function holder(folder: string): Promise<string> {
  let note;
  try {
    note = noteSchema.parse(JSON.parse(await readFile(join(folder, FILE_NAME), 'utf8')));
  } catch {
    // The holder has only just opened the folder, or belongs to someone else: the lock is what counts.
    return 'another program';
  }
  const host = note.host === hostname() ? '' : ` on ${note.host}`;
  return `${note.program} (process ${note.pid}${host}, since ${note.since})`;
}
