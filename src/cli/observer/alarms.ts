import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { toHex, utf8ToBytes } from '../../base/bytes.ts';
import { sha256 } from '../../crypto/hash.ts';
import { MAX_EVIDENCE_BYTES } from '../../log/evidence.ts';
import type { ObserverEvent } from '../../services/observing/events.ts';
import { createFile, exists, makeFolder } from '../../store/files.ts';
import { readSmallFile } from '../../store/small-file.ts';
import type { Console } from '../console.ts';
import { printable } from '../printable.ts';

/** Where what shows that the authority broke its word is kept, inside a folder with a log. */
export const ALARMS_FOLDER = 'alarms';
const EVIDENCE = /^fork-[0-9a-f]{12}\.evidence\.json$/;
/** Whatever is kept here; half-written files have a dot before their names. */
const ALARM = /^[a-z-]+-[0-9a-f]{12}\.(?:evidence\.json|txt)$/;
/** Of each kind; one convicts. What convicts by itself must find room, however many of the others there are. */
const MOST_FILES = 20;

interface AlarmFile {
  readonly name: string;
  readonly text: string;
}

/** Writes what shows that an alarm is true. What could not be written is tried again: it may be the only proof that there is. */
export class AlarmFiles {
  readonly #folder: string;
  readonly #out: Pick<Console, 'note' | 'emit'>;
  #waiting: AlarmFile[] = [];
  #tail: Promise<void> = Promise.resolve();

  constructor(folder: string, out: Pick<Console, 'note' | 'emit'>) {
    this.#folder = folder;
    this.#out = out;
  }

  /** Takes note of an alarm; and of the disk's being writable again. */
  note(event: ObserverEvent): void {
    const file = fileOf(event);
    if (file !== undefined) this.#waiting.push(file);
    else if (event.type !== 'store-resumed') return;
    this.#tail = this.#tail.then(() => this.#writeAll());
  }

  /** Resolves when everything is written, or could not be written once more. */
  async settled(): Promise<void> {
    await this.#tail;
    await this.#writeAll();
  }

  async #writeAll(): Promise<void> {
    for (const file of this.#waiting.splice(0)) {
      try {
        const path = await keep(this.#folder, file);
        if (path === undefined) continue;
        this.#out.note(`What shows it: ${path}\n`);
        this.#out.emit({ event: 'alarm-kept', path });
      } catch (error) {
        // The program goes on: it has what shows it in memory, and tells others.
        this.#waiting.push(file);
        const reason = printable(error instanceof Error ? error.message : String(error));
        this.#out.note(`PROBLEM: what shows it could not be kept (${reason}). It is tried again.\n`);
      }
    }
  }
}

/** Keeps evidence of a fork; resolves to its path, or undefined where there is enough of it already. */
export async function keepFork(folder: string, evidence: string): Promise<string | undefined> {
  return keep(folder, forkFile(evidence));
}

function forkFile(evidence: string): AlarmFile {
  return { name: `fork-${digestOf(evidence)}.evidence.json`, text: evidence };
}

function fileOf(event: ObserverEvent): AlarmFile | undefined {
  if (event.type === 'fork') return forkFile(event.evidence);
  if (event.type === 'invalid-log')
    return { name: `invalid-checkpoint-${digestOf(event.checkpoint)}.txt`, text: event.checkpoint };
  if (event.type === 'unknown-history')
    return { name: `unknown-history-${digestOf(event.checkpoint)}.txt`, text: event.checkpoint };
  return undefined;
}

/** What was kept of alarms, and is there still: paths relative to the folder. */
export async function keptAlarms(folder: string): Promise<string[]> {
  const alarms = join(folder, ALARMS_FOLDER);
  if (!(await exists(alarms))) return [];
  const names = (await readdir(alarms)).filter((name) => ALARM.test(name)).sort();
  return names.map((name) => `${ALARMS_FOLDER}/${name}`);
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

/** Resolves to the file's path; undefined where there are enough already. */
async function keep(folder: string, { name, text }: AlarmFile): Promise<string | undefined> {
  const alarms = join(folder, ALARMS_FOLDER);
  await makeFolder(alarms);
  const path = join(alarms, name);
  if (await exists(path)) return path;
  const kind = name.slice(0, name.indexOf('-'));
  const same = (await readdir(alarms)).filter((other) => other.startsWith(`${kind}-`));
  if (same.length >= MOST_FILES) return undefined;
  await createFile(path, { mode: 0o600, overwrite: true }, (file) => file.writeFile(text));
  return path;
}
