import { join } from 'node:path';
import { equalBytes } from '../../base/bytes.ts';
import { PsephosError, refused, unusable } from '../../base/errors.ts';
import type { GenesisEntry } from '../../election/entries.ts';
import { BallotChecks } from '../../services/ballot-checks.ts';
import { ElectionLog } from '../../services/election-log.ts';
import type { EventListener } from '../../services/events.ts';
import { Organiser } from '../../services/organiser.ts';
import type { Clock } from '../../services/ports.ts';
import { readBallotChecks } from '../../store/ballot-check-file.ts';
import { exists } from '../../store/files.ts';
import { readKeyFile } from '../../store/key-files.ts';
import { openLevelStore } from '../../store/level-store.ts';

export const PROGRAM = 'admin';

/** Where an election and the keys of its organiser are. */
export interface Place {
  readonly data: string;
  readonly keys: string;
}

export interface OpenElection {
  readonly place: Place;
  readonly log: ElectionLog;
  readonly organiser: Organiser;
  /** How often voters' programs looked for their ballot, as far as this computer was told. */
  readonly checks: BallotChecks;
  /** The authority's seed, where it was asked for. */
  readonly seed: Uint8Array | undefined;
  /** Whoever watches this election in this process. */
  readonly onEvent: EventListener;
}

/** For work that can be given up half-way: throws `interrupted` once the program was asked to end. */
export function throwIfInterrupted(signal: AbortSignal): void {
  if (signal.aborted) throw refused('interrupted', 'Interrupted; nothing was changed.');
}

export const systemClock: Clock = { now: () => Date.now() };

export function adminKeyFile(keys: string, uuid: string): string {
  return join(keys, `admin-${uuid}.key`);
}

/**
 * Takes up the election in a folder; the caller closes its log. Throws `no-key` (where the key is needed and not there),
 * `wrong-key`, and what the store throws: no election, locked, damaged, not to be read or written.
 */
export async function openElection(
  place: Place,
  how: {
    readonly needsKey: boolean;
    readonly onEvent: EventListener;
    readonly onProgress: (done: number) => void;
  },
): Promise<OpenElection> {
  let seed: Uint8Array | undefined;
  const log = await ElectionLog.open({
    openStore: () => openLevelStore(place.data, { create: false, program: PROGRAM }),
    loadSeed: async (genesis) => (seed = how.needsKey ? await loadSeed(place.keys, genesis) : undefined),
    clock: systemClock,
    onEvent: how.onEvent,
    onProgress: how.onProgress,
  });
  if (log.state.phase === 'empty' || log.state.phase === 'enrolling') {
    await log.close();
    throw refused('no-election', `The election in ${place.data} was never finished.`, {
      hint: 'Remove the folder, and make the election again with "admin init".',
    });
  }
  const checks = new BallotChecks(await checksIn(place.data));
  return { place, log, organiser: new Organiser(log, how.onEvent), checks, seed, onEvent: how.onEvent };
}

/** They decide nothing: where they can't be read, counting begins anew. */
async function checksIn(folder: string): ReturnType<typeof readBallotChecks> {
  try {
    return await readBallotChecks(folder);
  } catch (error) {
    if (error instanceof PsephosError) return undefined;
    throw error;
  }
}

/** The organiser's key of an election. Throws `no-key`, `wrong-key`, and as `readKeyFile` does. */
export async function loadSeed(keys: string, genesis: GenesisEntry): Promise<Uint8Array> {
  const path = adminKeyFile(keys, genesis.uuid);
  if (!(await exists(path))) {
    throw unusable('no-key', `The organiser's key of this election is not there: ${path} was looked for.`, {
      hint: 'Name the folder that holds it with --keys. Without it nothing can be added to the election.',
    });
  }
  const { seed, publicKey } = await readKeyFile(path, 'admin');
  if (!equalBytes(publicKey, genesis.authority)) {
    throw unusable('wrong-key', `${path} holds another key than the one that signs this election.`, {
      hint: 'Put back the key file that "admin init" made with this election.',
    });
  }
  return seed;
}
