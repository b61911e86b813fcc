import { open, readFile, rm } from 'node:fs/promises';
import { pid as ownPid } from 'node:process';
import { refused } from '../base/errors.ts';
import { realPath } from './files.ts';
import { codeOf, fileError } from './fs-errors.ts';
import { isAlive } from './processes.ts';

/**
 * Does something with a trustee's key that no other program may do at the same time: what is noted beside the key is read, and written again. Throws
 * `key-in-use` where another one is at it, what `work` throws, and the file system's refusal. A lock that a killed program left is taken over.
 */
export async function withKeyLock<T>(keyPath: string, work: () => Promise<T>): Promise<T> {
  const path = `${await realPath(keyPath)}.lock`;
  await take(path, keyPath);
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

async function take(path: string, keyPath: string): Promise<void> {
  for (let mayTakeOver = true; ; mayTakeOver = false) {
    try {
      const file = await open(path, 'wx', 0o600);
      await file.writeFile(`${ownPid}\n`);
      await file.close();
      return;
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw fileError(error, path);
    }
    // Where the lock has gone meanwhile, nobody holds it.
    const holder = Number.parseInt(await readFile(path, 'utf8').catch(() => ''), 10);
    if (!mayTakeOver || isAlive(holder))
      throw refused('key-in-use', `Another program uses ${keyPath}: process ${holder}.`, {
        hint: `Stop it, or let it do the work. If there is no such program, remove ${path}`,
      });
    await rm(path, { force: true });
  }
}
