import { mkdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { utf8ToBytes } from '../base/bytes.ts';
import type { Store } from '../services/ports.ts';
import { Acknowledged } from './acknowledged.ts';
import { openError } from './damage.ts';
import { syncFolder } from './files.ts';
import { codeOf, fileError } from './fs-errors.ts';
import { FORMAT, FORMAT_KEY, INDEXED_KEY, LOG_FOLDER, decodeNumber, encodeNumber } from './layout.ts';
import {
  type Database,
  type OpenedLog,
  electionExists,
  isLocked,
  openLog,
  requireElection,
} from './level-db.ts';
import { checkRecordFiles } from './level-files.ts';
import { type Snapshot, openSnapshot } from './level-source.ts';
import { lockedError, removeLockNote, writeLockNote } from './lock-note.ts';
import { seal } from './seal.ts';
import { LevelStore } from './log-store.ts';
import { searchTables } from './table-search.ts';

export interface LevelStoreInit {
  /** Makes folder and log where they are missing. A log that is there is opened either way. */
  readonly create: boolean;
  /** Name of this program, for the error that another one gets meanwhile. */
  readonly program: string;
}

/** Index records of 50,000 voters and as many ballots fit. */
const CACHE_BYTES = 32 << 20;

/**
 * Opens the store in a data folder, and holds it until `close`. Throws `store-locked` when another process does,
 * `no-election`, `store-version`, `read-only`, `no-access`, `disk-full`, or `store-damaged`; a folder found damaged
 * is left as it was.
 */
export async function openLevelStore(folder: string, init: LevelStoreInit): Promise<Store> {
  const location = join(folder, LOG_FOLDER);
  if (!init.create || (await electionExists(folder))) await requireElection(folder);
  else await makeFolder(location);
  await checkFiles(folder, location);

  const log = await openOrLocked(folder, location, init);
  try {
    if (!log.hasFormat) await begin(log.db, folder, location);
    const indexed = await readIndexed(log);
    await writeLockNote(folder, init.program);
    return new LevelStore(folder, log, await Acknowledged.open(folder, log.size), indexed);
  } catch (error) {
    await removeLockNote(folder);
    await log.db.close();
    throw openError(error, folder);
  }
}

/**
 * Looks into LevelDB's files before it may change any. A log that a power cut tore can be opened without loss; one whose last
 * record is damaged can't, and only its content tells the two apart.
 */
async function checkFiles(folder: string, location: string): Promise<void> {
  const records = await checkRecordFiles(location);
  const table = await (await searchTables(location)).found;
  if (records === 'whole' && table === undefined) return;
  const copy = await openSnapshot(folder);
  try {
    if (table !== undefined) await nameDamage(copy);
  } finally {
    await copy.close();
  }
}

/** Reads until the damaged entry, which throws its name, or to the end, which throws the damaged file's. */
async function nameDamage(copy: Snapshot): Promise<void> {
  const entries = copy.entries(0)[Symbol.asyncIterator]();
  while ((await entries.next()).done !== true) continue;
}

async function openOrLocked(
  folder: string,
  location: string,
  init: LevelStoreInit,
): Promise<OpenedLog & { readonly db: Database }> {
  try {
    return await openLog(folder, location, { create: init.create, cacheSize: CACHE_BYTES });
  } catch (error) {
    throw isLocked(error) ? await lockedError(folder, error) : openError(error, folder);
  }
}

async function makeFolder(location: string): Promise<void> {
  try {
    await makeFolders(location);
  } catch (error) {
    throw fileError(error, dirname(location));
  }
}

/** As mkdir's `recursive`, which on a read-only disk says only that the folder doesn't exist. */
async function makeFolders(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    if (codeOf(error) === 'EEXIST' && (await stat(path)).isDirectory()) return;
    if (codeOf(error) !== 'ENOENT') throw error;
    await makeFolders(dirname(path));
    await mkdir(path);
  }
  await syncFolder(dirname(path));
}

async function begin(db: Database, folder: string, location: string): Promise<void> {
  await db
    .batch()
    .put(FORMAT_KEY, seal(FORMAT_KEY, utf8ToBytes(FORMAT)))
    .put(INDEXED_KEY, seal(INDEXED_KEY, encodeNumber(0)))
    .write({ sync: true });
  await syncFolder(location);
  await syncFolder(folder);
}

/** Zero where the record is missing: then all indexes are made again. */
async function readIndexed({ reader, hasFormat }: OpenedLog): Promise<number> {
  const bytes = hasFormat ? await reader.get(INDEXED_KEY) : undefined;
  return bytes === undefined ? 0 : (decodeNumber(bytes) ?? 0);
}
