import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pid as ownPid } from 'node:process';
import { fileError } from '../../store/fs-errors.ts';
import { isAlive } from '../../store/processes.ts';

/**
 * The folder in which an election is built before it gets its name: beside its place, hidden, and named after the
 * process that builds it, so that what a killed process left can be told from what another is at.
 */
const MARK = '.psephos-init-';

export async function newWorkFolder(data: string): Promise<string> {
  const path = join(dirname(data), `.${basename(data)}${MARK}${ownPid}-${randomBytes(4).toString('hex')}`);
  try {
    await mkdir(path, { mode: 0o700 });
    return path;
  } catch (error) {
    throw fileError(error, dirname(data));
  }
}

/** Removes what killed processes left; it holds secrets that nobody will use. */
export async function removeStaleWorkFolders(data: string): Promise<void> {
  const folder = dirname(data);
  const prefix = `.${basename(data)}${MARK}`;
  const names = await readdir(folder).catch((error: unknown) => {
    throw fileError(error, folder);
  });
  for (const name of names) {
    if (!name.startsWith(prefix)) continue;
    const pid = Number.parseInt(name.slice(prefix.length), 10);
    if (!isAlive(pid)) await rm(join(folder, name), { recursive: true, force: true });
  }
}
