import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { unusable } from '../../base/errors.ts';
import { codeOf, fileError } from '../../store/fs-errors.ts';

/** What a registrar's folder holds. */
export const ROLL_FILE = 'roll.json';
export const KEY_FILE = 'registrar.key';
export const SECRETS_FOLDER = 'credentials';
export const DEFAULT_FOLDER = './registrar';

/** Where the voters' secrets are in a registrar's folder. Throws `not-a-registrar-folder` for a folder that has no roll. */
export async function secretsFolderOf(folder: string): Promise<string> {
  if (await isThere(join(folder, ROLL_FILE), 'isFile')) return join(folder, SECRETS_FOLDER);
  throw unusable('not-a-registrar-folder', `${folder} is not a registrar's folder: it has no ${ROLL_FILE}.`, {
    hint: 'Name the folder that "registrar make" made.',
  });
}

/** Whether there is a file, or a folder, under this name; a link is neither. Throws the file system's refusal. */
export async function isThere(path: string, what: 'isFile' | 'isDirectory'): Promise<boolean> {
  try {
    return (await lstat(path))[what]();
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(error) ?? '')) return false;
    throw fileError(error, path);
  }
}
