import { readFileSync, readdirSync } from 'node:fs';
import { type ArchiveEntry, readArchive } from '#src/belenios/v1/archive/reader.js';
import type { EventType } from '#src/belenios/v1/encoding/events.js';
import { repositoryPath } from '../support/repository.js';
import { valueOf } from '../support/results.js';

const pathOf = (path: string): string => repositoryPath(`test/fixtures/belenios/${path}`);

/** A file of test/fixtures/belenios/. */
export function fixture(path: string): Uint8Array {
  return new Uint8Array(readFileSync(pathOf(path)));
}

/** Of an election: stage file -> verdict, and the payload of its result. */
export interface ExpectedElection {
  readonly verify: Readonly<Record<string, string>>;
  readonly numBallots: number;
  readonly result: { readonly result: readonly (readonly (number | string)[])[] };
}

/** Of an archive with one defect, or none. */
export interface ExpectedCase {
  readonly expect: 'accept' | 'reject';
  readonly why: string;
}

/** What an `expected.json` says; the caller names the shape. */
export function expectedOf(folder: string): unknown {
  return JSON.parse(new TextDecoder().decode(fixture(`${folder}/expected.json`)));
}

/** Names of the elections, and of the cases under invalid/. */
export const ELECTIONS = readdirSync(pathOf('')).filter((name) => /^(?:h|made)-/.test(name));
export const CASES = readdirSync(pathOf('invalid'));

/** The events of a valid archive. */
export async function entriesOf(archive: Uint8Array): Promise<ArchiveEntry[]> {
  const entries: ArchiveEntry[] = [];
  for await (const entry of readArchive([archive])) entries.push(valueOf(entry));
  return entries;
}

/** The texts of the files before the events of a type, one list per event. */
export async function textsOf(path: string, type: EventType): Promise<string[][]> {
  const entries = await entriesOf(fixture(path));
  return entries.filter(({ event }) => event.type === type).map(({ data }) => data.map(({ text }) => text));
}
