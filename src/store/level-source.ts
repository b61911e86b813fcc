import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { LogSource } from '../audit/source.ts';
import { checkAcknowledged, readAcknowledged } from './acknowledged.ts';
import { openError } from './damage.ts';
import { FrugalReader } from './frugal-reader.ts';
import { LOG_FOLDER } from './layout.ts';
import { openLog, requireElection } from './level-db.ts';
import { checkRecordFiles, damagedFile } from './level-files.ts';
import { copyDatabase } from './snapshot-copy.ts';
import { type TableSearch, searchTables } from './table-search.ts';

/** An audit reads once, in order: there is little to remember. */
const CACHE_BYTES = 1 << 20;

export interface Snapshot extends LogSource {
  /** Number of entries. */
  readonly size: number;
  /** Removes the copy. */
  close(): Promise<void>;
}

/**
 * Opens the log in a data folder for reading, as it is now: from a private copy in the system's temporary folder. It
 * writes nothing to the data folder, so that may be on a read-only disk, and another process may hold the store. Throws
 * `no-election`, `store-version`, `store-damaged`, `snapshot-failed`, or `disk-full` for want of room for the copy.
 */
export async function openSnapshot(folder: string): Promise<Snapshot> {
  return (await beginSnapshot(folder)).opened;
}

/**
 * As `openSnapshot`, and resolves as soon as LevelDB is at work opening the copy: that can take a good tenth of a second, in
 * which this thread has nothing to do for it.
 */
export async function beginSnapshot(folder: string): Promise<{ readonly opened: Promise<Snapshot> }> {
  await requireElection(folder);
  // Read before the log is: it may only grow in between.
  const acknowledged = await readAcknowledged(folder);
  const copy = await copyDatabase(join(folder, LOG_FOLDER));
  const orRemove = async (error: unknown): Promise<never> => {
    await remove(copy);
    throw openError(error, folder);
  };
  const search = await checkRecordFiles(copy, join(folder, LOG_FOLDER))
    .then(() => searchTables(copy))
    .catch(orRemove);
  const opened = openCopy(folder, copy, search, acknowledged).catch(orRemove);
  // Whoever waits for it meets the failure.
  opened.catch(() => undefined);
  return { opened };
}

async function openCopy(
  folder: string,
  copy: string,
  search: TableSearch,
  acknowledged: Awaited<ReturnType<typeof readAcknowledged>>,
): Promise<Snapshot> {
  try {
    const log = await openLog(folder, copy, { create: false, cacheSize: CACHE_BYTES });
    try {
      checkAcknowledged(folder, acknowledged, log.size);
    } catch (error) {
      await log.db.close();
      throw error;
    }
    return snapshotOf(folder, { copy, log, search });
  } catch (error) {
    await search.stop();
    throw error;
  }
}

interface CopiedLog {
  readonly copy: string;
  readonly log: Awaited<ReturnType<typeof openLog>>;
  /** A damaged table may hide any record, even where no record that is there shows it. */
  readonly search: TableSearch;
}

function snapshotOf(folder: string, { copy, log, search }: CopiedLog): Snapshot {
  const { db, size, latest } = log;
  const reader = new FrugalReader(copy, CACHE_BYTES, db);
  let closing: Promise<void> | undefined;
  /** What there is comes first, so that a record that is damaged itself is named; the search goes on meanwhile. */
  async function* whole<T>(items: AsyncIterable<T>): AsyncGenerator<T, void, undefined> {
    yield* items;
    const table = await search.found;
    if (table !== undefined) throw damagedFile(join(folder, LOG_FOLDER), table);
  }
  return {
    name: folder,
    size,
    entries: (from, to = Infinity) => whole(reader.entries(from, Math.min(to, size))),
    checkpoints: (from) => whole(reader.checkpoints(from, size)),
    latestCheckpoint: () => Promise.resolve(latest),
    close: () => {
      closing ??= search
        .stop()
        .then(() => reader.close())
        .finally(() => remove(copy));
      return closing;
    },
  };
}

async function remove(copy: string): Promise<void> {
  await rm(copy, { recursive: true, force: true });
}
