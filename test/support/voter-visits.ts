import assert from 'node:assert/strict';
import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type Evidence, judgeEvidence, parseEvidence } from '#src/log/evidence.js';
import { type PlaceOptions, PollingPlace } from './polling-place.ts';
import { type Ran, args, run } from './run-voter.ts';
import { tempFolder } from './temp-election.ts';

export const start = (t: TestContext, options: PlaceOptions = {}) =>
  PollingPlace.start(t, { voters: 3, ...options });

export interface How {
  /** Where the program remembers things; a computer of its own unless given. */
  readonly state?: string;
  readonly receipt?: string;
}

export async function vote(
  place: PollingPlace,
  voter: number,
  how: How = {},
  ...more: readonly string[]
): Promise<Ran> {
  const argv = await args(place, voter, ['a'], how.receipt ?? `v${voter}.tlog-proof`);
  return run([...argv, ...more], '', how.state);
}

export function verify(
  dial: string,
  receipt: string,
  how: How = {},
  ...more: readonly string[]
): Promise<Ran> {
  return run(
    ['verify', '--receipt', receipt, '--dial', dial, '--wait', '0', '--json', ...more],
    '',
    how.state,
  );
}

export const receiptOf = (place: PollingPlace, voter: number) => join(place.folder, `v${voter}.tlog-proof`);

/** What a run confirmed: the peer ids of observers. */
export function confirmers({ events }: Ran): string[] {
  const observers = (events['confirmed']?.['observers'] ?? []) as { peerId: string }[];
  return observers.map(({ peerId }) => peerId);
}

export const alarmsOf = ({ lines }: Ran) => lines.filter(({ event }) => event === 'alarm');

export async function evidenceIn(alarm: Record<string, unknown> | undefined): Promise<Evidence> {
  const parsed = parseEvidence(await readFile(String(alarm?.['file']), 'utf8'));
  assert.ok(parsed.ok);
  assert.ok(judgeEvidence(parsed.value).ok);
  return parsed.value;
}

/** Places that go on from copies of one folder, with one key. */
export async function faces(t: TestContext, count: number): Promise<PollingPlace[]> {
  const first = await start(t);
  await first.stop();
  const folders = await Promise.all(Array.from({ length: count }, () => tempFolder(t)));
  for (const folder of folders) await cp(first.folder, folder, { recursive: true });
  return Promise.all(folders.map((folder) => start(t, { folder, existing: first.voters })));
}

export async function twoFaces(t: TestContext): Promise<{ one: PollingPlace; other: PollingPlace }> {
  const [one, other] = await faces(t, 2);
  assert.ok(one && other);
  return { one, other };
}
