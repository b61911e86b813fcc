import { PsephosError, refused, unusable, asError, messageOf } from '../base/errors.ts';
import { codeOf, diskFull, errorWithCode, fileError, isDiskFull } from './fs-errors.ts';

/** What is on disk is not what was written. `what` is a sentence that names the entry, record or file. */
export function damaged(what: string, cause?: unknown): PsephosError {
  return refused('store-damaged', what, {
    hint: 'Nothing was changed or repaired. Restore the data folder from a copy; verify-log tells more about this one.',
    cause,
  });
}

/** A failed read: `what` is the thing that was asked for, as the beginning of a sentence. */
export function readError(error: unknown, what: string): Error {
  switch (codeOf(error) ?? '') {
    case 'LEVEL_CORRUPTION':
    case 'LEVEL_IO_ERROR':
      return damaged(`${what} can't be read from the disk: ${messageOf(error)}.`, error);
    case 'LEVEL_DATABASE_NOT_OPEN':
    case 'LEVEL_ITERATOR_NOT_OPEN':
      return refused('store-closed', `${what} was not read: the election's data folder has been closed.`, {
        cause: error,
      });
    default:
      return asError(error);
  }
}

/** A failed write: whether it is on disk is unknown, so the store may not be used on. */
export function writeError(error: unknown, folder: string): PsephosError {
  const kept =
    'Every ballot that was acknowledged is on the disk; the last ones sent may be missing, and were not acknowledged.';
  if (isDiskFull(error)) {
    return refused('store-failed', `The disk is full: the log in ${folder} could not be written. ${kept}`, {
      hint: 'Free some space on that disk, then start the program again.',
      cause: error,
    });
  }
  return refused('store-failed', `The log in ${folder} could not be written: ${messageOf(error)}. ${kept}`, {
    hint: 'Look after the disk, then start the program again.',
    cause: error,
  });
}

/** LevelDB's reason for not opening, where it is one that was foreseen and isn't the lock; errors of ours stay as they are. */
export function openError(error: unknown, folder: string): Error {
  if (error instanceof PsephosError) return error;
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  if (isDiskFull(cause)) return diskFull(folder, error);
  const message = messageOf(cause);
  if (/Read-only file system/.test(message)) return fileError(errorWithCode('EROFS', error), folder);
  if (/Permission denied|Operation not permitted/.test(message))
    return fileError(errorWithCode('EACCES', error), folder);
  if (codeOf(cause) === 'LEVEL_LOCKED') {
    return unusable(
      'no-locks',
      `The disk of ${folder} can't lock files, so two programs could write there at once.`,
      {
        hint: 'Keep the election on a disk of this computer.',
        cause: error,
      },
    );
  }
  if (['LEVEL_CORRUPTION', 'LEVEL_IO_ERROR'].includes(codeOf(cause) ?? '')) {
    return damaged(`The log in ${folder} can't be opened: ${message}.`, error);
  }
  return asError(error);
}
