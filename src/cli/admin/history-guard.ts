import { parseCheckpoint } from '../../log/checkpoint.ts';
import { type ForkEvidence, formatEvidence, parseEvidence } from '../../log/evidence.ts';
import type { WitnessEvent } from '../../services/witness-desk.ts';
import { ALARMS_FOLDER, keepFork } from '../observer/alarms.ts';
import type { OpenElection } from './election-folder.ts';
import { historyIncomplete, logConflict } from './history-errors.ts';
import { type Unconfirmed, keepUnconfirmed, readUnconfirmed } from './unconfirmed.ts';

/** Each alone keeps a log from being signed. */
const MOST_CHECKPOINTS = 16;

export const RESTORE_HINT =
  'Restore the log from observers into another folder ("admin restore --from … --data …"), and go on there.';

/**
 * Halts the log, at once, where an event shows that its key signed for something that is not in it: one more signature would be part of a
 * fork. What it returns is to be done afterwards, and keeps the log from being signed when the program is started again.
 */
export function guardHistory(
  event: WitnessEvent,
  { log, place }: OpenElection,
  observers: () => Unconfirmed['observers'],
): (() => Promise<void>) | undefined {
  switch (event.type) {
    case 'unknown-history': {
      const { size, ownSize, checkpoint } = event;
      // The log has grown past it meanwhile, and it is compared.
      if (size <= ownSize) return undefined;
      log.halt(
        historyIncomplete({ checkpoint: { size }, holders: [] }, `this log has ${ownSize}`, RESTORE_HINT),
      );
      return () => keepForeign(place.data, observers(), [checkpoint]);
    }
    case 'fork': {
      log.halt(logConflict(event, `${place.data}/${ALARMS_FOLDER}`));
      return async () => {
        await keepFork(place.data, event.evidence);
        const evidence = parseEvidence(event.evidence);
        if (!evidence.ok || evidence.value.kind !== 'fork')
          throw new Error('evidence that was judged can not be read');
        await keepForeign(place.data, observers(), [evidence.value.first, evidence.value.second]);
      };
    }
    case 'observer-known':
    case 'ballots-checked':
    case 'defect':
      return undefined;
  }
}

/** Adds to what the log must be compared with before it is signed again. */
export async function keepForeign(
  folder: string,
  observers: Unconfirmed['observers'],
  checkpoints: readonly string[],
): Promise<void> {
  const before = await readUnconfirmed(folder);
  const all = new Set([...(before?.checkpoints ?? []), ...checkpoints]);
  if (before?.why === 'other-history' && all.size > MOST_CHECKPOINTS) return;
  await keepUnconfirmed(folder, {
    why: 'other-history',
    observers: before?.observers ?? observers,
    checkpoints: [...all],
  });
}

/** Keeps evidence of a fork in a folder; the error tells of it. */
export async function keptConflict(folder: string, evidence: ForkEvidence): Promise<Error> {
  const path = await keepFork(folder, formatEvidence(evidence));
  const [first, second] = [evidence.first, evidence.second].map((text) => {
    const parsed = parseCheckpoint(text);
    return parsed.ok ? parsed.value.size : 0;
  });
  return logConflict({ first: first ?? 0, second: second ?? 0 }, path ?? `${folder}/${ALARMS_FOLDER}`);
}
