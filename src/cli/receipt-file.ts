import { constants } from 'node:fs';
import { access, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { PsephosError, unusable } from '../base/errors.ts';
import { exists, writeSecretFile } from '../store/files.ts';
import { errorWithCode, fileError } from '../store/fs-errors.ts';

/** What `log/receipt.ts` reads at most. */
const MAX_RECEIPT_BYTES = 1024 * 1024;

/** The name of a receipt that nobody named: the tracker's beginning, in characters that every file system takes. */
export function receiptName(tracker: string): string {
  return `psephos-${tracker.slice(0, 8).replaceAll('+', '-').replaceAll('/', '_')}.tlog-proof`;
}

/**
 * Finds out before a ballot is cast whether its receipt can be saved. Throws `file-exists` (a receipt is evidence, and
 * is never replaced), `not-found` or `no-access`.
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
 * Saves a receipt whole or not at all, for its owner alone to read: it tells the vote. Does nothing where the same
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
  let file;
  try {
    file = await open(path);
  } catch (error) {
    throw fileError(error, path);
  }
  try {
    const stat = await file.stat();
    if (!stat.isFile() || stat.size > MAX_RECEIPT_BYTES) throw notAReceipt(path);
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await file.readFile());
  } catch (error) {
    // What a fatal decoder throws for bytes that are no UTF-8; nothing else here throws it.
    if (error instanceof TypeError) throw notAReceipt(path);
    throw error;
  } finally {
    await file.close();
  }
}

function notAReceipt(path: string): Error {
  return unusable('bad-receipt-file', `${path} is not a receipt.`, {
    hint: 'A receipt is the text file ending in .tlog-proof that was saved when the ballot was cast.',
  });
}
