import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { encodeSignedBallot, signBallot } from '#src/election/ballot.js';
import { type PlaceOptions, PollingPlace } from './polling-place.ts';
import { tempFolder } from './temp-election.ts';

/**
 * The natural fork: a copy of a polling place's data folder, as it is now, that goes on by itself with the same key at another
 * port. The place itself is stopped for the copy, and started again at its own port.
 */
export async function forkPlace(
  t: TestContext,
  place: PollingPlace,
  options: PlaceOptions = {},
): Promise<{ readonly one: PollingPlace; readonly other: PollingPlace }> {
  const { voters, port } = place;
  const copy = await copyOf(t, place);
  const one = await PollingPlace.start(t, { ...options, folder: place.folder, existing: voters, port });
  const other = await PollingPlace.start(t, { ...options, folder: copy, existing: voters });
  return { one, other };
}

/** Stops a polling place and copies its data folder; resolves to the folder that `PollingPlace.start` takes. */
export async function copyOf(t: TestContext, place: PollingPlace): Promise<string> {
  await place.stop();
  const folder = await tempFolder(t);
  await cp(join(place.folder, 'election'), join(folder, 'election'), { recursive: true });
  return folder;
}

/** The encoded ballot of a voter for one answer. */
export function ballotOf(place: PollingPlace, voter: number, answer = 0, number = 1): Uint8Array {
  const { round } = place.log.state;
  const seed = place.voters[voter]?.seed;
  if (round === undefined || seed === undefined) throw new Error('no such voter, or no round');
  return encodeSignedBallot(
    signBallot({ form: 'open', round: round.cid, number, choices: [[answer]] }, seed),
  );
}

/** Casts first ballots of voters `from` up to, not including, `to`, one after another. */
export async function castAll(place: PollingPlace, from: number, to: number, answer = 0): Promise<void> {
  for (let voter = from; voter < to; voter++) await place.station.cast(ballotOf(place, voter, answer));
}
