import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { dirname } from 'node:path';
import { PsephosError, unusable } from '../base/errors.ts';
import { exists, writeSecretFile } from '../store/files.ts';
import { errorWithCode, fileError } from '../store/fs-errors.ts';
import { readSmallFile } from '../store/small-file.ts';

/** What `log/receipt.ts` reads at most. */
const MAX_RECEIPT_BYTES = 1024 * 1024;

/** The name of a receipt that nobody named: the tracker's beginning, in characters that every file system takes. */
export function receiptName(tracker: string): string {
  return `${fileStem(tracker)}.tlog-proof`;
}

/** The name of the file that opens a ballot, where nobody named it. */
export function openedBallotName(tracker: string): string {
  return `${fileStem(tracker)}.opened.json`;
}

/** The name of what shows that a ballot was promised to be in the log. */
export function evidenceName(tracker: string): string {
  return `${fileStem(tracker)}.evidence.json`;
}

function fileStem(tracker: string): string {
  return `psephos-${tracker.slice(0, 8).replaceAll('+', '-').replaceAll('/', '_')}`;
}

/**
 * Finds out whether a new file can be saved, before something is done that it is needed for. Throws `file-exists` (a receipt is
 * evidence, and never replaced), `not-found` or `no-access`.
 */
export async function expectRoom(path: string): Promise<void> {
  if (await exists(path)) throw fileError(errorWithCode('EEXIST'), path);
  const folder = dirname(path);
  try {
    await access(folder, constants.W_OK);
  } catch (error) {
    throw fileError(error, folder);
  }
}

/**
 * Saves a receipt whole or not at all, for its owner alone to read: that of an open ballot tells the vote. Does nothing where the same
 * receipt is there already. Throws `file-exists` for another file of that name, or the file system's refusal.
 */
export async function saveReceipt(path: string, text: string): Promise<void> {
  try {
    await writeSecretFile(path, text);
  } catch (error) {
    if (
      error instanceof PsephosError &&
      error.code === 'file-exists' &&
      (await readReceiptFile(path)) === text
    )
      return;
    throw error;
  }
}

/** Reads a receipt's text. Throws `bad-receipt-file` for what is too large or not text, or the file system's refusal. */
export async function readReceiptFile(path: string): Promise<string> {
  const text = await readSmallFile(path, MAX_RECEIPT_BYTES);
  if (text === undefined) throw notAReceipt(path);
  return text;
}

function notAReceipt(path: string): Error {
  return unusable('bad-receipt-file', `${path} is not a receipt.`, {
    hint: 'A receipt is the text file ending in .tlog-proof that was saved when the ballot was cast.',
  });
}
