import { type FileHandle, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, fileError } from './fs-errors.ts';
import { CURRENT } from './level-db.ts';
import { readManifest } from './level-manifest.ts';
import { isIntactTable } from './level-table.ts';

/** Tables that are held open at once, at most: some million entries' worth, and far below what a process may open. */
const MOST_HELD = 200;

/** A search for damaged table files that goes on while the database is in use. */
export interface TableSearch {
  /** The name of a table that is damaged, if any. */
  readonly found: Promise<string | undefined>;
  /** Ends the search, where it is; `found` may then have missed a table. */
  stop(): Promise<void>;
}

interface HeldTable {
  readonly name: string;
  readonly file: FileHandle;
}

/**
 * Reads through the table files that LevelDB's manifest names, at some hundred MB a second. Those that are missing are LevelDB's
 * to report. When this resolves, all of them are held open, so that they are looked at as they are now, even if LevelDB is
 * opened meanwhile: it changes no table, but it may put the content of one, unseen, into another and delete it.
 */
export async function searchTables(folder: string, mostHeld = MOST_HELD): Promise<TableSearch> {
  const held: HeldTable[] = [];
  try {
    let early: string | undefined;
    for (const name of await liveTables(folder)) {
      const file = await orMissing(open(join(folder, name)));
      if (file !== undefined) held.push({ name, file });
      const first = held.length > mostHeld ? held.shift() : undefined;
      if (first !== undefined && !(await isIntact(first.file))) early ??= first.name;
    }
    return begin(folder, held, early);
  } catch (error) {
    for (const { file } of held) await file.close();
    throw fileError(error, folder);
  }
}

function begin(folder: string, held: readonly HeldTable[], early: string | undefined): TableSearch {
  let stopped = false;
  const search = async () => {
    let damaged = early;
    for (const { name, file } of held) {
      if (stopped || damaged !== undefined) await file.close();
      else if (!(await isIntact(file))) damaged = name;
    }
    return damaged;
  };
  const found = search().catch((error: unknown) => {
    throw fileError(error, folder);
  });
  // Whoever asks meets the failure.
  found.catch(() => undefined);
  return {
    found,
    stop: async () => {
      stopped = true;
      await found.catch(() => undefined);
    },
  };
}

async function liveTables(folder: string): Promise<readonly string[]> {
  const current = await orMissing(readFile(join(folder, CURRENT), 'latin1'));
  const manifest = current && (await orMissing(readFile(join(folder, current.trimEnd()))));
  return (manifest && readManifest(manifest)?.tables) || [];
}

/** Closes the file. */
async function isIntact(file: FileHandle): Promise<boolean> {
  try {
    return isIntactTable(await file.readFile());
  } finally {
    await file.close();
  }
}

/** The value, or undefined where the file is not there. */
async function orMissing<T>(value: Promise<T>): Promise<T | undefined> {
  try {
    return await value;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
