import { refused, unusable, asError } from '../base/errors.ts';

/** The `code` of a Node or LevelDB error. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** An error with the code that the operating system gives it. */
export function errorWithCode(code: string, cause?: unknown): Error {
  return Object.assign(new Error(code, { cause }), { code });
}

/** Whether writing failed for want of space, whoever reports it: Node by code, LevelDB by strerror's text. */
export function isDiskFull(error: unknown): boolean {
  if (['ENOSPC', 'EDQUOT'].includes(codeOf(error) ?? '')) return true;
  return error instanceof Error && /No space left on device|Disk quota exceeded/.test(error.message);
}

export function diskFull(path: string, cause: unknown): Error {
  return refused('disk-full', `The disk is full: ${path} could not be written.`, {
    hint: 'Free some space on that disk, then try again.',
    cause,
  });
}

/** The file system's foreseen refusals in an organiser's words, each naming `path`; any other error comes back as it is. */
export function fileError(error: unknown, path: string): Error {
  if (isDiskFull(error)) return diskFull(path, error);
  switch (codeOf(error) ?? '') {
    case 'ENOENT':
      return unusable('not-found', `${path} does not exist.`, { cause: error });
    case 'ENOTDIR':
      return unusable('not-found', `${path} can't exist: a part of the path is a file, not a folder.`, {
        cause: error,
      });
    case 'EISDIR':
      return unusable('is-folder', `${path} is a folder, where a file is needed.`, { cause: error });
    case 'EACCES':
    case 'EPERM':
      return unusable('no-access', `This user account has no access to ${path}.`, {
        hint: 'Run the program as the account that made it, or change its permissions.',
        cause: error,
      });
    case 'EROFS':
      return unusable('read-only', `${path} can't be written: its disk is read-only.`, {
        hint: 'Name a place on a disk that can be written.',
        cause: error,
      });
    case 'EEXIST':
      return refused('file-exists', `${path} exists already, and is left as it is.`, {
        hint: 'Move it away, or choose another name.',
        cause: error,
      });
    default:
      return asError(error);
  }
}
