import { type FileHandle, open, readFile, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { pid as ownPid } from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { refused } from '../base/errors.ts';
import { codeOf, fileError } from './fs-errors.ts';
import { isAlive } from './processes.ts';

/** Between two looks at a lock that another program holds, in ms, and how long to go on looking. */
const LOOK_EVERY_MS = 20;
const LOOK_FOR_MS = 15_000;
/** Whoever holds a lock reads and writes one small file: a lock as old as this, in ms, was left by a program that was killed. */
const STALE_MS = 10_000;

/**
 * Does something with a file that no other program may do at the same time, for moments only: waits for its turn. Throws `file-in-use` where
 * that does not come, what `work` throws, and the file system's refusal. A lock that a killed program left is taken over.
 */
export async function withFileLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const lock = `${path}.lock`;
  await take(lock, path);
  try {
    return await work();
  } finally {
    await rm(lock, { force: true });
  }
}

async function take(lock: string, path: string): Promise<void> {
  const until = Date.now() + LOOK_FOR_MS;
  for (;;) {
    const file = await openNew(lock);
    if (file !== undefined) {
      await file.writeFile(owner(ownPid)).finally(() => file.close());
      return;
    }
    const holder = await staleHolder(lock);
    if (holder !== undefined) await takeOver(lock, holder);
    else if (Date.now() > until) {
      throw refused('file-in-use', `Another program has been using ${path} for too long.`, {
        hint: `If there is no such program, remove ${lock}`,
      });
    } else await sleep(LOOK_EVERY_MS);
  }
}

async function openNew(lock: string): Promise<FileHandle | undefined> {
  try {
    return await open(lock, 'wx', 0o600);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return undefined;
    throw fileError(error, lock);
  }
}

function owner(pid: number): string {
  return `${hostname()} ${pid}\n`;
}

/** What is in a lock that nobody holds any more; undefined for one that is held, or gone. */
async function staleHolder(lock: string): Promise<string | undefined> {
  try {
    const { mtimeMs } = await stat(lock);
    const holder = await readFile(lock, 'utf8');
    const pid = Number(holder.split(' ')[1]);
    const isDead = holder === owner(pid) && !isAlive(pid);
    return isDead || Date.now() - mtimeMs > STALE_MS ? holder : undefined;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw fileError(error, lock);
  }
}

/** Two programs may find the same lock stale: one at a time looks again and removes it, so that nobody removes the other's new lock. */
async function takeOver(lock: string, holder: string): Promise<void> {
  const guard = `${lock}.taking`;
  const file = await openNew(guard);
  if (file === undefined) {
    if ((await staleHolder(guard)) !== undefined) await rm(guard, { force: true });
    return;
  }
  try {
    if ((await staleHolder(lock)) === holder) await rm(lock, { force: true });
  } finally {
    await file.close();
    await rm(guard, { force: true });
  }
}
