import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { formatInvite } from '#src/net/index.js';
import type { PollingPlace } from './polling-place.ts';
import type { TestObserver } from './test-observer.ts';

/** The files of ballots that a voter's program keeps. */
export async function keptIn(state: string): Promise<string[]> {
  const names = await readdir(state).catch(() => []);
  return names.filter((name) => name.endsWith('.kept.json')).map((name) => join(state, name));
}

/** The invite of an organiser who may be away: it names an observer besides. Of `place` while it listens. */
export function inviteWith(place: PollingPlace, observer: TestObserver): string {
  return formatInvite({
    peerId: place.node.peerId,
    electionId: place.log.electionId,
    addresses: [place.bareAddress],
    observers: [observer.address],
  });
}
