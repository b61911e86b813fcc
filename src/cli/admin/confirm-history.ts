import { unreachable } from '../../base/errors.ts';
import { type DialledPeer, dialPeer, parseDialTarget } from '../../net/index.ts';
import { knownGenesis } from '../../services/observing/known-genesis.ts';
import { HeldCheckpoints } from '../../services/restoring/held-checkpoints.ts';
import { Survey } from '../../services/restoring/survey.ts';
import { keptForks } from '../observer/alarms.ts';
import { printable } from '../printable.ts';
import type { Surroundings } from './dispatch.ts';
import { type OpenElection, throwIfInterrupted } from './election-folder.ts';
import { historyIncomplete } from './history-errors.ts';
import { RESTORE_HINT, keepForeign, keptConflict } from './history-guard.ts';
import { type Unconfirmed, readUnconfirmed, removeUnconfirmed } from './unconfirmed.ts';

/** To reach an observer, in ms: whoever is there answers sooner. */
const OBSERVER_TIMEOUT_MS = 10_000;

/**
 * Compares a log that was restored, or that somebody contradicted, with what observers have, before anything is signed. Does nothing for
 * any other log. Throws `history-incomplete`, `log-conflict`, or `no-observer` where none answers, unless the copy is to be trusted.
 */
export async function confirmHistory(
  { place, io, output }: Surroundings,
  election: OpenElection,
  { trustCopy }: { readonly trustCopy: boolean },
): Promise<void> {
  const unconfirmed = await readUnconfirmed(place.data);
  if (unconfirmed === undefined) return;
  const { log } = election;
  const first = await log.store.entry(0);
  if (first === undefined) throw new Error('a log without a first entry was opened');
  const genesis = knownGenesis(first);
  const held = new HeldCheckpoints(genesis);
  const survey = new Survey({
    genesis,
    held,
    own: await log.proofs.newestCheckpoint(),
    dial: (addresses) => dialObserver(addresses, io.signal),
    onProblem: (peer, reason) => {
      output.warn(`No use of ${printable(peer)}: ${printable(reason)}`);
    },
  });
  for (const text of unconfirmed.checkpoints) held.add(text, 'Somebody who was in contact before');
  for (const evidence of await keptForks(place.data)) survey.takeEvidence(evidence);
  await expectContinued(election, held, survey, unconfirmed);

  output.say('Before anything is added, the log is compared with what observers have: asking them.');
  try {
    for (const addresses of unconfirmed.observers) survey.add(addresses);
    await survey.askObservers();
  } catch (error) {
    // What an abort makes of a connection is not what went wrong.
    throwIfInterrupted(io.signal);
    throw error;
  } finally {
    await survey.close();
  }
  throwIfInterrupted(io.signal);
  await expectContinued(election, held, survey, unconfirmed);
  const answered = survey.answered.length;
  if (answered === 0 && !trustCopy) throw noObserver(unconfirmed);
  await removeUnconfirmed(place.data);
  output.say(
    answered === 0
      ? 'No observer answered; the log is taken for whole, as you said.'
      : `${answered === 1 ? '1 observer' : `${answered} observers`} answered, and nobody has more than this log of ${log.head.size} entries.`,
  );
  output.emit({ event: 'history-confirmed', observers: answered, entries: log.head.size });
}

/** Connects to an observer by any of its addresses, each of which ends in its peer id. */
export function dialObserver(addresses: readonly string[], signal: AbortSignal): Promise<DialledPeer> {
  const targets = addresses.map(parseDialTarget);
  const target = {
    peerId: targets[0]?.peerId,
    electionId: undefined,
    addresses: targets.flatMap((one) => one.addresses),
  };
  return dialPeer(target, { signal, timeoutMs: OBSERVER_TIMEOUT_MS, retries: 1 });
}

/** Throws what keeps the log from being signed further, which is not forgotten when the program is started again with nobody there to ask. */
async function expectContinued(
  { log, place }: OpenElection,
  held: HeldCheckpoints,
  survey: Survey,
  { observers }: Unconfirmed,
): Promise<void> {
  const problem = await held.problemIn(log);
  const fork = survey.fork ?? (problem?.kind === 'conflict' ? problem.evidence : undefined);
  if (fork !== undefined) {
    await keepForeign(place.data, observers, [fork.first, fork.second]);
    throw await keptConflict(place.data, fork);
  }
  if (problem === undefined) return;
  await keepForeign(place.data, observers, [problem.held.checkpoint.text]);
  throw historyIncomplete(problem.held, `this log has ${log.head.size}`, RESTORE_HINT);
}

function noObserver({ observers }: Unconfirmed): Error {
  return unreachable(
    'no-observer',
    observers.length === 0
      ? 'The log was restored from a file, and no observer is known that could be asked whether it is whole.'
      : 'No observer answers that could be asked whether the restored log is whole.',
    {
      hint:
        "If somebody has a receipt or a checkpoint of entries that are not here, going on makes this election's key sign two histories. " +
        "Try again when an observer is there. If none is left, ask for the number of entries in voters' receipts, and start with --trust-copy.",
    },
  );
}
