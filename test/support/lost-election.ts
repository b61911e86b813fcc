import { cp, readFile, readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import type { LogSource } from '#src/audit/source.js';
import { type Snapshot, openSnapshot } from '#src/store/level-source.js';
import { AdminPlace, type Ended } from '../cli/admin-support.ts';
import { cleanUp } from './cleanup.ts';
import { jsonLines } from './processes.ts';

/** Votes of the voters of `AdminPlace.withElection`, in the order in which they are cast; each has a checkpoint of its own. */
export const VOTES = [
  [0, [0]],
  [1, [1]],
  [2, [0]],
  [3, null],
] as const satisfies Parameters<AdminPlace['cast']>;

/** An election's data folder as it was, for others to have copies of. */
export async function snapshotOf(t: TestContext, place: AdminPlace): Promise<Snapshot> {
  const source = await openSnapshot(place.data);
  cleanUp(t, () => source.close());
  return source;
}

export async function lose(place: AdminPlace): Promise<void> {
  await rm(place.data, { recursive: true });
}

/** A copy of an election's folders, to go on another way. */
export async function twinOf(t: TestContext, place: AdminPlace): Promise<AdminPlace> {
  const twin = await AdminPlace.create(t);
  await cp(place.folder, twin.folder, { recursive: true });
  return twin;
}

export async function entriesOf(source: LogSource): Promise<Uint8Array[]> {
  const entries: Uint8Array[] = [];
  for await (const chunk of source.entries(0)) entries.push(...chunk);
  return entries;
}

export interface RanRestore extends Ended {
  /** What it printed with --json, by event. */
  readonly lines: readonly Record<string, unknown>[];
  readonly error: { readonly code: string; readonly message: string; readonly hint?: string } | undefined;
}

export async function restore(
  place: AdminPlace,
  from: readonly string[],
  ...options: string[]
): Promise<RanRestore> {
  const named = from.flatMap((one) => ['--from', one]);
  const ended = await place.admin('restore', ...named, ...options, '--json');
  const lines = jsonLines(ended.out);
  const error = lines.find((line) => 'error' in line)?.['error'] as RanRestore['error'];
  return { ...ended, lines, error };
}

/** What lies beside the data folder that has to do with it: nothing, unless a restore is under way. */
export async function leftovers(place: AdminPlace): Promise<string[]> {
  const names = await readdir(dirname(place.data));
  return names.filter((name) => name !== basename(place.data) && name.includes(basename(place.data)));
}

/** The evidence of forks that is kept in a folder. */
export async function evidenceIn(folder: string): Promise<string[]> {
  const alarms = join(folder, 'alarms');
  return Promise.all((await readdir(alarms)).map((name) => readFile(join(alarms, name), 'utf8')));
}

/** As `evidenceIn`, and takes it away. */
export async function takeEvidence(folder: string): Promise<string[]> {
  const texts = await evidenceIn(folder);
  await rm(join(folder, 'alarms'), { recursive: true });
  return texts;
}
