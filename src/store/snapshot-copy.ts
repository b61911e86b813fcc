import { constants, copyFile, link, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { refused } from '../base/errors.ts';
import { damaged } from './damage.ts';
import { codeOf, fileError } from './fs-errors.ts';
import { CURRENT } from './level-db.ts';
import { damagedFile } from './level-files.ts';
import { readManifest } from './level-manifest.ts';
import { judgeRecords } from './level-records.ts';

/**
 * A private copy of a LevelDB that another process may be writing, taken without its lock and without writing to its
 * folder. Why the copy is the database as it was after some batch, none of the earlier ones missing:
 *
 * - Tables never change once the manifest names them. They are linked where the file system allows it. (One that it
 *   doesn't name may not be linked: the copy's LevelDB could give its own next table that number, and overwrite it.)
 * - The manifest and the write-ahead logs only grow. A copy of one is a prefix of it, and LevelDB ignores an incomplete
 *   last record: a prefix of a log is a prefix of its batches, each of them whole.
 * - LevelDB goes on to the next log only when it has done with the one before. We copy logs in the order of their numbers,
 *   from a list made before: all but the last in it were complete by then.
 * - LevelDB deletes a table or a log only after it has added to the manifest (or, on opening, to a new one that CURRENT
 *   then names) what replaces it. If both are the same after the copying as before, nothing that they need was deleted.
 *   Otherwise we copy again what is new.
 *
 * LOCK is left alone: closing any descriptor of it would end the lock of this very process, if it is the one that
 * holds the store (fcntl's rule).
 */
const LOG = /^\d+\.log$/;

/** Waits between attempts, in ms: a busy store adds to its manifest about once a second. */
const PAUSES = [0, 10, 20, 50, 100, 200, 500, 1000, 1000, 1000];

/** Copies the LevelDB in `from` to a new folder, which the caller removes. Throws `snapshot-failed`, `disk-full` and the like. */
export async function copyDatabase(from: string): Promise<string> {
  const to = await makeTemporary();
  try {
    for (const pause of PAUSES) {
      await delay(pause);
      if (await tryCopy(from, to)) return to;
    }
    throw refused('snapshot-failed', `The log in ${from} changes faster than it can be copied.`, {
      hint: 'Try again in a moment, or audit the running election over the network: verify-log <its address>.',
    });
  } catch (error) {
    await rm(to, { recursive: true, force: true });
    throw error;
  }
}

async function makeTemporary(): Promise<string> {
  const prefix = join(tmpdir(), 'psephos-');
  try {
    return await mkdtemp(prefix);
  } catch (error) {
    throw fileError(error, prefix);
  }
}

/** Whether nothing was deleted from under the copy. Throws `store-damaged` where a file was missing to begin with. */
async function tryCopy(from: string, to: string): Promise<boolean> {
  const before = await readHead(from);
  const missing = before.manifest === undefined ? before.name : await copyFiles(from, to, before);
  const after = await readHead(from);
  if (after.current !== before.current || after.manifest?.length !== before.manifest?.length) {
    await forgetLogs(to);
    return false;
  }
  if (missing !== undefined || before.manifest === undefined) {
    throw damaged(`The log is damaged: the file ${join(from, missing ?? before.name)} is missing.`);
  }
  await write(join(to, before.name), before.manifest);
  await write(join(to, CURRENT), before.current);
  return true;
}

interface Head {
  /** The file CURRENT, and the name in it. */
  readonly current: string;
  readonly name: string;
  /** The file of that name; undefined where there is none. */
  readonly manifest: Uint8Array | undefined;
}

async function readHead(from: string): Promise<Head> {
  const current = await orMissing(readFile(join(from, CURRENT), 'utf8'), from);
  const name = /^(MANIFEST-\d+)\n$/.exec(current ?? '')?.[1];
  if (current === undefined || name === undefined) throw damagedFile(from, CURRENT);
  return { current, name, manifest: await orMissing(readFile(join(from, name)), from) };
}

/** Copies tables and logs; the name of the first that isn't there, if any. */
async function copyFiles(from: string, to: string, { name, manifest }: Head): Promise<string | undefined> {
  const live =
    manifest === undefined || judgeRecords(manifest) === 'damaged' ? undefined : readManifest(manifest);
  if (live === undefined) throw damagedFile(from, name);
  const logs = ((await orMissing(readdir(from), from)) ?? [])
    .filter((one) => LOG.test(one) && parseInt(one, 10) >= live.firstLog)
    .sort((a, b) => parseInt(a, 10) - parseInt(b, 10));
  for (const table of live.tables) {
    if (!(await orMissing(linkOrCopy(join(from, table), join(to, table)), from))) return table;
  }
  for (const log of logs) if (!(await orMissing(copy(join(from, log), join(to, log)), from))) return log;
  return undefined;
}

/** The value, or undefined where the file is not there. */
async function orMissing<T>(value: Promise<T>, path: string): Promise<T | undefined> {
  try {
    return await value;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw fileError(error, path);
  }
}

/** Unlike tables, logs of an attempt that failed are of no use to the next: they may have grown. */
async function forgetLogs(to: string): Promise<void> {
  for (const name of await readdir(to)) if (LOG.test(name)) await rm(join(to, name));
}

async function linkOrCopy(from: string, to: string): Promise<true> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    const code = codeOf(error) ?? '';
    if (code === 'EEXIST') return true;
    // Another file system, or one without links, or a file of another account that Linux protects from being linked.
    if (!['EXDEV', 'EPERM', 'EACCES', 'EROFS', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(code))
      throw error;
    return copy(from, to);
  }
}

async function copy(from: string, to: string): Promise<true> {
  try {
    await copyFile(from, to, constants.COPYFILE_FICLONE);
    return true;
  } catch (error) {
    throw noRoom(error, to);
  }
}

async function write(path: string, data: string | Uint8Array): Promise<void> {
  try {
    await writeFile(path, data);
  } catch (error) {
    throw noRoom(error, path);
  }
}

function noRoom(error: unknown, to: string): unknown {
  if (codeOf(error) !== 'ENOSPC') return error;
  return refused(
    'disk-full',
    `There is no room for a temporary copy of the log: ${to} could not be written.`,
    {
      hint: 'Name a folder with more room in the environment variable TMPDIR.',
      cause: error,
    },
  );
}
