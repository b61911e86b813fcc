import { randomBytes } from 'node:crypto';
import { type FileHandle, access, link, mkdir, open, readdir, realpath, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pid as ownPid } from 'node:process';
import { isAlive } from './processes.ts';
import { codeOf, errorWithCode, fileError } from './fs-errors.ts';

export interface NewFile {
  /** Permission bits, from the file's first moment on; the umask can only take some away. */
  readonly mode: number;
  /** Whether a file of that name is replaced, or is left as it is and `file-exists` thrown. */
  readonly overwrite: boolean;
}

/** Between the name that a file will have and the process that writes it. */
const TEMPORARY_MARK = '.psephos-';
const TEMPORARY = /^\..+\.psephos-(\d+)-[0-9a-f]{12}\.tmp$/;

/** Removes files that killed processes left half written in a folder; they may hold secrets that nobody will use. Throws `fileError`'s errors. */
export async function removeStaleTemporaries(folder: string): Promise<void> {
  const names = await readdir(folder).catch((error: unknown) => {
    throw fileError(error, folder);
  });
  for (const name of names) {
    const pid = TEMPORARY.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) await rm(join(folder, name), { force: true });
  }
}

/**
 * Makes a file that appears under its name whole or not at all, whenever the power goes: written beside its place under
 * another name, synced, then moved there. Throws what `write` throws, and `fileError`'s errors naming `path`.
 */
export async function createFile(
  path: string,
  how: NewFile,
  write: (file: FileHandle) => Promise<void>,
): Promise<void> {
  // Said before `write` spends minutes on a large file; the move below is what makes it certain.
  if (!how.overwrite && (await exists(path))) throw fileError(errorWithCode('EEXIST'), path);
  const temporary = join(
    dirname(path),
    `.${basename(path)}${TEMPORARY_MARK}${ownPid}-${randomBytes(6).toString('hex')}.tmp`,
  );
  try {
    const file = await open(temporary, 'wx', how.mode);
    try {
      await write(file);
      await file.sync();
    } finally {
      await file.close();
    }
    await (how.overwrite ? rename(temporary, path) : moveToFreeName(temporary, path));
    await syncFolder(dirname(path));
  } catch (error) {
    // Where even that fails, the first failure is still the one to tell.
    await rm(temporary, { force: true }).catch(() => undefined);
    throw fileError(error, path);
  }
}

/** Writes a whole file at once, replacing an older one. Throws as `createFile`. */
export async function writeFileAtomic(path: string, data: string | Uint8Array, mode = 0o644): Promise<void> {
  await createFile(path, { mode, overwrite: true }, (file) => file.writeFile(data));
}

/** Writes a file that only its owner can read; a secret that is there already is never replaced. Throws as `createFile`. */
export async function writeSecretFile(path: string, text: string): Promise<void> {
  await createFile(path, { mode: 0o600, overwrite: false }, (file) => file.writeFile(text));
}

/** Makes a folder, and those that it is in, where there is none; for its owner alone. Throws `fileError`'s errors naming `path`. */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw fileError(error, path);
  }
}

/** Opens a file to be read. Throws `fileError`'s errors naming `path`. */
export async function openToRead(path: string, flags: string | number = 'r'): Promise<FileHandle> {
  try {
    return await open(path, flags);
  } catch (error) {
    throw fileError(error, path);
  }
}

/** Makes a folder's list of names durable: a synced file that no name leads to is lost all the same. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } catch (error) {
    // Some file systems (FAT, some network ones) can't sync a folder and say so by these codes; they promise no more.
    if (!['EINVAL', 'ENOTSUP', 'EPERM', 'EISDIR'].includes(codeOf(error) ?? '')) throw error;
  } finally {
    await handle.close();
  }
}

/** The path of a file that is there, without links. Throws `fileError`'s errors naming `path`. */
export async function realPath(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    throw fileError(error, path);
  }
}

export async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(error) ?? '')) return false;
    throw fileError(error, path);
  }
}

/** Unlike rename, link refuses a name that is taken, in one step. */
async function moveToFreeName(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
    await rm(from);
  } catch (error) {
    // USB sticks (FAT, exFAT) have no hard links. There the test and the move are two steps.
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(codeOf(error) ?? '')) throw error;
    if (await exists(to)) throw errorWithCode('EEXIST');
    await rename(from, to);
  }
}
