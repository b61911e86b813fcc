import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { damaged } from './damage.ts';
import { codeOf, fileError } from './fs-errors.ts';
import { CURRENT } from './level-db.ts';
import { readManifest } from './level-manifest.ts';
import { judgeRecords } from './level-records.ts';
import { isIntactTable } from './level-table.ts';

/** LevelDB's manifest and write-ahead logs. */
const RECORD_FILE = /^(?:\d+\.log|MANIFEST-\d+)$/;

/**
 * Judges the record files in LevelDB's folder, before LevelDB opens it. On opening, it skips a damaged record and goes on
 * with what follows (its option `paranoid_checks` would stop it, and classic-level doesn't offer it), then deletes the
 * file: acknowledged entries, and the evidence, would be gone. Throws `store-damaged` naming a damaged file, else says
 * whether one is torn. `shownAs` is the folder that errors name. Files that vanish meanwhile belong to another process'
 * store, and are passed over.
 */
export async function checkRecordFiles(folder: string, shownAs = folder): Promise<'whole' | 'torn'> {
  let torn = false;
  try {
    for (const name of await readdir(folder)) {
      if (!RECORD_FILE.test(name)) continue;
      const bytes = await readIfThere(join(folder, name));
      const verdict = bytes === undefined ? 'whole' : judgeRecords(bytes);
      if (verdict === 'damaged') throw damagedFile(shownAs, name);
      torn ||= verdict === 'torn';
    }
  } catch (error) {
    throw fileError(error, folder);
  }
  return torn ? 'torn' : 'whole';
}

/**
 * Reads through the table files that LevelDB's manifest names, at some hundred MB a second, and resolves to the name of one
 * that is damaged, if any. Those that are missing are LevelDB's to report.
 */
export async function findDamagedTable(folder: string): Promise<string | undefined> {
  try {
    const current = await readIfThere(join(folder, CURRENT));
    const manifest =
      current && (await readIfThere(join(folder, Buffer.from(current).toString('latin1').trimEnd())));
    const live = manifest && readManifest(manifest);
    for (const name of live?.tables ?? []) {
      const bytes = await readIfThere(join(folder, name));
      if (bytes !== undefined && !isIntactTable(bytes)) return name;
    }
    return undefined;
  } catch (error) {
    throw fileError(error, folder);
  }
}

/** The error for a damaged file in LevelDB's folder. */
export function damagedFile(folder: string, name: string): Error {
  return damaged(`The log is damaged in the file ${join(folder, name)}.`);
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
