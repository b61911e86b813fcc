import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { damaged } from './damage.ts';
import { codeOf, fileError } from './fs-errors.ts';
import { judgeRecords } from './level-records.ts';

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
