import { closeSync, openSync, writeSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { damaged } from './damage.ts';
import { writeFileAtomic } from './files.ts';
import { codeOf, fileError } from './fs-errors.ts';

const FILE_NAME = 'acknowledged';
const MAX_BYTES = 64;

/**
 * How many entries were on disk when they were last acknowledged, in a file beside the log: 12 digits, a space, their
 * CRC-32 in hex. LevelDB takes a damaged last record of its write-ahead log for one that a power cut tore, and drops it
 * without a word; a log shorter than this number shows it. So does an old copy put back in the log's place.
 *
 * It is written after each commit and not synced, so it may lag behind after a power cut but never runs ahead.
 */
export class Acknowledged {
  readonly #file: number;

  /** Takes up the file of an opened store that has `size` entries; makes it where it is missing. */
  static async open(folder: string, size: number): Promise<Acknowledged> {
    const path = join(folder, FILE_NAME);
    const known = await readAcknowledged(folder);
    if (known === undefined) await writeFileAtomic(path, format(size));
    else checkAcknowledged(folder, known, size);
    try {
      return new Acknowledged(openSync(path, 'r+'));
    } catch (error) {
      throw fileError(error, path);
    }
  }

  private constructor(file: number) {
    this.#file = file;
  }

  set(size: number): void {
    try {
      writeSync(this.#file, format(size), 0);
    } catch (error) {
      // The entries are on disk and must be acknowledged. A full or failing disk may refuse these bytes and not those;
      // then the file lags behind, as it may.
      if (codeOf(error) === undefined) throw error;
    }
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** The stored number; undefined where there is none. Throws `store-damaged` where it can't be read. */
export async function readAcknowledged(folder: string): Promise<number | undefined> {
  const path = join(folder, FILE_NAME);
  try {
    const file = await open(path, 'r');
    try {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(MAX_BYTES), 0, MAX_BYTES, 0);
      const text = buffer.toString('latin1', 0, bytesRead);
      const size = Number(text.slice(0, 12));
      if (Number.isNaN(size) || text !== format(size)) throw damaged(`The file ${path} was changed.`);
      return size;
    } finally {
      await file.close();
    }
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw fileError(error, path);
  }
}

/** Throws `store-damaged` where a log of `size` entries is shorter than was once acknowledged. */
export function checkAcknowledged(folder: string, known: number | undefined, size: number): void {
  if (known === undefined || known <= size) return;
  throw damaged(
    `The log in ${folder} has ${size} entries, but ${known} were acknowledged: entry ${size} is missing.`,
  );
}

function format(size: number): string {
  const digits = String(size).padStart(12, '0');
  return `${digits} ${crc32(digits).toString(16).padStart(8, '0')}\n`;
}
