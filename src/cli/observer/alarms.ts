import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { toHex, utf8ToBytes } from '../../base/bytes.ts';
import { sha256 } from '../../crypto/hash.ts';
import { MAX_EVIDENCE_BYTES } from '../../log/evidence.ts';
import { createFile, exists, makeFolder } from '../../store/files.ts';
import { readSmallFile } from '../../store/small-file.ts';

/** Where what shows that the authority broke its word is kept, inside a folder with a log. */
export const ALARMS_FOLDER = 'alarms';
const EVIDENCE = /^fork-[0-9a-f]{12}\.evidence\.json$/;
/** One convicts. */
const MOST_FILES = 20;

/** Keeps evidence of a fork; resolves to its path, or undefined where there is enough of it already. */
export async function keepFork(folder: string, evidence: string): Promise<string | undefined> {
  return keep(folder, `fork-${digestOf(evidence)}.evidence.json`, evidence);
}

/** Keeps a text that belongs to an alarm, under a name that says which. */
export async function keepAlarmText(folder: string, kind: string, text: string): Promise<string | undefined> {
  return keep(folder, `${kind}-${digestOf(text)}.txt`, text);
}

/** Evidence of forks that was kept before. */
export async function keptForks(folder: string): Promise<string[]> {
  const alarms = join(folder, ALARMS_FOLDER);
  if (!(await exists(alarms))) return [];
  const names = (await readdir(alarms)).filter((name) => EVIDENCE.test(name));
  const texts = await Promise.all(names.map((name) => readSmallFile(join(alarms, name), MAX_EVIDENCE_BYTES)));
  return texts.filter((text) => text !== undefined);
}

function digestOf(text: string): string {
  return toHex(sha256(utf8ToBytes(text))).slice(0, 12);
}

async function keep(folder: string, name: string, text: string): Promise<string | undefined> {
  const alarms = join(folder, ALARMS_FOLDER);
  await makeFolder(alarms);
  const path = join(alarms, name);
  if (await exists(path)) return path;
  if ((await readdir(alarms)).length >= MOST_FILES) return undefined;
  await createFile(path, { mode: 0o600, overwrite: true }, (file) => file.writeFile(text));
  return path;
}
