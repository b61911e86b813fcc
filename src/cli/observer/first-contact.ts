import { refused, unusable } from '../../base/errors.ts';
import { fingerprint } from '../../crypto/credential.ts';
import { peerIdText } from '../../crypto/peer-id.ts';
import { type DialTarget, parseDialTarget } from '../../net/index.ts';
import { type KnownGenesis, knownGenesis } from '../../services/observing/known-genesis.ts';
import type { PeerClient } from '../../services/ports.ts';
import { comparable } from '../fingerprint.ts';

/** Which election it must be, as far as whoever starts the observer says so. */
export interface Pins {
  readonly election: string | undefined;
  readonly fingerprint: string | undefined;
  readonly targets: readonly DialTarget[];
}

/** What was named on the command line. Throws `wrong-election` where two names are of different elections, and as `parseDialTarget`. */
export function readPins(flags: {
  readonly dial: readonly string[];
  readonly election?: string;
  readonly fingerprint?: string;
}): Pins {
  const targets = flags.dial.map(parseDialTarget);
  const ids = new Set(
    [flags.election, ...targets.map(({ electionId }) => electionId)].filter((id) => id !== undefined),
  );
  if (ids.size > 1) {
    throw unusable('wrong-election', `Different elections are named: ${[...ids].join(', ')}.`, {
      hint: 'An observer observes one election. Start another one, with another --data, for each.',
    });
  }
  return { election: [...ids][0], fingerprint: flags.fingerprint, targets };
}

/**
 * The election that a peer shows, where it is the one that was named. `pinned` is false where nothing says which one it should be, so that
 * people have to compare its fingerprint. Throws `wrong-election` and `bad-answer`.
 */
export async function electionOf(
  client: PeerClient,
  pins: Pins,
): Promise<{ readonly genesis: KnownGenesis; readonly pinned: boolean }> {
  const genesis = knownGenesis((await client.info()).genesis.entry);
  expectElection(genesis, pins);
  const isNamed = pins.election !== undefined || pins.fingerprint !== undefined;
  const authority = peerIdText(genesis.entry.authority);
  return { genesis, pinned: isNamed || pins.targets.some(({ peerId }) => peerId === authority) };
}

/** Throws `wrong-election` where an election is not the one that was named. */
export function expectElection({ electionId }: Pick<KnownGenesis, 'electionId'>, pins: Pins): void {
  if (pins.election !== undefined && pins.election !== electionId) throw wrong(electionId, pins.election);
  const code = fingerprint(electionId);
  if (pins.fingerprint !== undefined && comparable(pins.fingerprint) !== comparable(code))
    throw wrong(`with the fingerprint ${code}`, pins.fingerprint);
}

function wrong(found: string, expected: string): Error {
  return refused('wrong-election', `This is election ${found}, not ${expected}.`, {
    hint: 'Check the address and the invite. An observer observes one election: for another, name another folder with --data.',
  });
}
