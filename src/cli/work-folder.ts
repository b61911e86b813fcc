import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pid as ownPid } from 'node:process';
import { refused } from '../base/errors.ts';
import { makeFolder, syncFolder } from '../store/files.ts';
import { codeOf, fileError } from '../store/fs-errors.ts';
import { isAlive } from '../store/processes.ts';

/**
 * Throws `folder-not-empty` where a new folder's place is taken; an empty one is no obstacle, and those that it is to be in are made.
 * `option` names another place on the command line. What killed processes left there is removed.
 */
export async function expectFreeFolder(folder: string, shown: string, option: string): Promise<void> {
  try {
    const found = await readdir(folder);
    if (found.length > 0) {
      throw refused(
        'folder-not-empty',
        `The folder ${shown} holds other files (${found.slice(0, 3).join(', ')}${found.length > 3 ? ', …' : ''}).`,
        {
          hint: `Name a new folder with ${option}; it is made if it does not exist.`,
        },
      );
    }
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw fileError(error, shown);
    await makeFolder(dirname(folder));
  }
  await removeStaleWorkFolders(folder);
}

/**
 * The folder in which an election, or a registrar's folder, is built before it gets its name: beside its place, hidden, and named after the
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
async function removeStaleWorkFolders(data: string): Promise<void> {
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

/** Gives a work folder its name, for good. Throws `folder-not-empty`, `folder-in-use`, and the file system's refusal. `option` as in `expectFreeFolder`. */
export async function moveToPlace(work: string, data: string, option: string): Promise<void> {
  try {
    // Windows doesn't rename over a folder, not even an empty one.
    if (process.platform === 'win32') await rmdir(data).catch(ignoreMissing);
    await rename(work, data);
    await syncFolder(dirname(data));
  } catch (error) {
    if (['ENOTEMPTY', 'EEXIST'].includes(codeOf(error) ?? '')) {
      throw refused('folder-not-empty', `Something was put into ${basename(data)} meanwhile.`);
    }
    if (['EBUSY', 'EXDEV'].includes(codeOf(error) ?? '')) {
      throw refused('folder-in-use', `${data} can't be replaced: it is a disk of its own, or in use.`, {
        hint: `Name a folder inside it: ${option} ${join(data, basename(data))}`,
      });
    }
    throw fileError(error, data);
  }
}

function ignoreMissing(error: unknown): void {
  if (codeOf(error) !== 'ENOENT') throw error;
}
