import { readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type * as level from 'level';
import { unusable } from '../base/errors.ts';
import { damaged, openError } from './damage.ts';
import { exists } from './files.ts';
import { codeOf, fileError } from './fs-errors.ts';
import { FORMAT, FORMAT_KEY, LOG_FOLDER, decodeText } from './layout.ts';
import { LevelReader } from './level-reader.ts';

// By `require`, as libsodium's binding is, and for the same reason.
const { Level } = createRequire(import.meta.url)('level') as typeof level;

export type Database = level.Level<string, Uint8Array>;

/**
 * LevelDB's options, for a log of signatures and hashes that is appended to, looked up in at random and read in order.
 *
 * compression off: it takes a quarter off the 520 bytes that a ballot needs with its indexes (nearly all of it keys,
 *   signatures and hashes), for a tenth more CPU at each commit; and level-table.ts can read a table's index as it is.
 * writeBufferSize 16 MiB (default 4): a quarter as many sorted files, each of which compaction merges with others since the
 *   indexes' keys are random. It bounds what is read again after a crash, too: a fraction of a second.
 * maxFileSize 8 MiB (default 2): a million entries are some hundred files to open, and to link for a snapshot.
 * blockSize 8 KiB (default 4): about 20 entries, or one tile; half the index to keep in memory.
 */
const OPTIONS = {
  keyEncoding: 'utf8',
  valueEncoding: 'view',
  compression: false,
  writeBufferSize: 16 << 20,
  maxFileSize: 8 << 20,
  blockSize: 8 << 10,
} as const;

/** The file that names LevelDB's manifest, and files that hold records. */
export const CURRENT = 'CURRENT';
const DATA_FILE = /\.(?:ldb|sst|log)$/;

/**
 * Opens the LevelDB of a data folder; `cacheSize` (bytes) is for blocks of index records, as scans don't fill it. Rejects
 * with LevelDB's error: `isLocked` and `openError` read it.
 */
export async function openDatabase(
  location: string,
  init: { readonly create: boolean; readonly cacheSize: number },
): Promise<Database> {
  const db: Database = new Level<string, Uint8Array>(location, OPTIONS);
  await db.open({ createIfMissing: init.create, cacheSize: init.cacheSize });
  return db;
}

/** Whether another holder of the lock kept LevelDB from opening; LevelDB's code is the same where locks don't work. */
export function isLocked(error: unknown): boolean {
  if (!(error instanceof Error) || codeOf(error.cause) !== 'LEVEL_LOCKED') return false;
  return !/No locks available|not supported|not implemented/.test(String(error.cause));
}

/**
 * Whether the folder holds an election's log, in whatever state. Throws where the folder can't be looked into.
 */
export async function electionExists(folder: string): Promise<boolean> {
  return (await listLog(folder)).some((name) => name === CURRENT || DATA_FILE.test(name));
}

/** Throws what is wrong with a folder that should hold an election. */
export async function requireElection(folder: string): Promise<void> {
  const names = await listLog(folder);
  if (names.includes(CURRENT)) return;
  // LevelDB would take the folder for a new one, and delete the files that it doesn't know of.
  if (names.some((name) => DATA_FILE.test(name))) {
    throw damaged(
      `The log in ${folder} is damaged: the file ${join(folder, LOG_FOLDER, CURRENT)} is missing.`,
    );
  }
  const what = (await exists(folder))
    ? `There is no election in the folder ${folder}.`
    : `The folder ${folder} does not exist.`;
  throw unusable('no-election', what, {
    hint: 'Name the folder with --data, or make an election with: admin init',
  });
}

async function listLog(folder: string): Promise<string[]> {
  const location = join(folder, LOG_FOLDER);
  try {
    return await readdir(location);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(error) ?? '')) return [];
    throw fileError(error, location);
  }
}

/** What a log turns out to hold when it is opened. */
export interface OpenedLog {
  readonly reader: LevelReader;
  /** Number of entries. */
  readonly size: number;
  /** The newest checkpoint's text; undefined for an empty log. */
  readonly latest: string | undefined;
  /** Whether `meta/format` is there; a log whose making was cut short has neither it nor entries. */
  readonly hasFormat: boolean;
}

/** Reads an open LevelDB's format and size. Throws `store-version`, or `store-damaged` where its ends don't fit. */
export async function readLog(db: Database, folder: string): Promise<OpenedLog> {
  const reader = new LevelReader(db);
  const format = await reader.get(FORMAT_KEY);
  const size = ((await reader.lastNumber('entry')) ?? -1) + 1;
  const covered = (await reader.lastNumber('checkpoint')) ?? 0;
  if (format === undefined && size > 0)
    throw damaged(`The log in ${folder} has lost the record of its format.`);
  const found = format === undefined ? FORMAT : decodeText(format);
  if (found !== FORMAT) {
    throw unusable('store-version', `The folder ${folder} was written by another version of this program.`, {
      hint: `It says "${found ?? '?'}", and this program reads "${FORMAT}". Use the version that made it.`,
    });
  }
  if (size !== covered) {
    const seq = Math.min(size, covered);
    throw damaged(
      `The log in ${folder} has ${size} entries where its newest checkpoint says ${covered}: entry ${seq} is ` +
        (size < covered ? 'missing.' : 'covered by none.'),
    );
  }
  return { reader, size, latest: await reader.checkpoint(size), hasFormat: format !== undefined };
}

/** Opens and reads in one; closes the database again where what it holds can't be used. */
export async function openLog(
  folder: string,
  location: string,
  init: { readonly create: boolean; readonly cacheSize: number },
): Promise<OpenedLog & { readonly db: Database }> {
  const db = await openDatabase(location, init);
  try {
    return { db, ...(await readLog(db, folder)) };
  } catch (error) {
    await db.close();
    throw openError(error, folder);
  }
}
