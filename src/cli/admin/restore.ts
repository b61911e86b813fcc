import { rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { createChecker } from '../../audit/worker-pool.ts';
import { refused, unusable } from '../../base/errors.ts';
import { LogCopy } from '../../services/log-copy.ts';
import type { KnownGenesis } from '../../services/observing/known-genesis.ts';
import type { ElectionStatus } from '../../services/organiser.ts';
import { fetchLog } from '../../services/restoring/fetching.ts';
import { ForkFound } from '../../services/restoring/fork.ts';
import { HeldCheckpoints } from '../../services/restoring/held-checkpoints.ts';
import { type FetchSource, peerSource, storedSource } from '../../services/restoring/log-sources.ts';
import { Survey } from '../../services/restoring/survey.ts';
import { SealedRounds } from '../../services/sealed-rounds.ts';
import { syncFolder } from '../../store/files.ts';
import { openLevelStore } from '../../store/level-store.ts';
import { moveToPlace, newWorkFolder } from '../work-folder.ts';
import { dialObserver } from './confirm-history.ts';
import { PROGRAM, type Place, openElection, systemClock, throwIfInterrupted } from './election-folder.ts';
import { historyIncomplete } from './history-errors.ts';
import { keptConflict } from './history-guard.ts';
import { expectFree } from './init.ts';
import { reportResults } from './report-results.ts';
import {
  type Chosen,
  type RestorePins,
  type RestoreSource,
  chooseElection,
  closeSources,
  openSources,
  withInvited,
} from './restore-sources.ts';
import { ownTrustees } from './trustee-keys.ts';
import { keepUnconfirmed } from './unconfirmed.ts';

/** `from` says where the log is: addresses, invites, folders, files. */
export interface RestoreWish extends RestorePins {
  /** Checkpoints that people kept, on receipts or by themselves: the log must continue them. */
  readonly kept: readonly { readonly file: string; readonly checkpoint: string }[];
}

export interface RestoreHow {
  /** Told of a source, or an observer, that can't be used. */
  readonly onProblem: (source: string, reason: string) => void;
  /** Told how many entries are fetched. */
  readonly onProgress: (done: number) => void;
  readonly signal: AbortSignal;
}

/** What was restored, and how well it is borne out. */
export interface Restored {
  readonly status: ElectionStatus;
  /** Checkpoints that the log was compared with, all of which it continues. */
  readonly compared: number;
  /** Observers that answered. */
  readonly observers: number;
  /** Results that were written again, within the data folder. */
  readonly files: readonly string[];
  /** Trustees whose keys the organiser has, by number. */
  readonly ownTrustees: readonly number[];
}

/**
 * Builds an election's data folder from the logs that others have, as `init` builds one: beside its place, and moved there when it is whole. Signs nothing. Throws
 * `election-exists`, `folder-not-empty`, `interrupted`, as `openSources`, `chooseElection` and `fetchLog` do, `history-incomplete` where somebody
 * has a checkpoint of more entries than can be fetched, and `log-conflict` where the key signed two histories.
 */
export async function restoreElection(place: Place, wish: RestoreWish, how: RestoreHow): Promise<Restored> {
  const data = resolve(place.data);
  await expectFree(data, place.data);
  try {
    const opened = await openSources(await withInvited(wish.from), how.signal, how.onProblem);
    try {
      const chosen = await chooseElection(opened, wish, place.keys, how.onProblem);
      return await restoreChosen({ ...place, data }, chosen, wish, how);
    } finally {
      await closeSources(opened);
    }
  } catch (error) {
    // What an abort makes of a connection is not what went wrong.
    throwIfInterrupted(how.signal);
    throw error;
  }
}

async function restoreChosen(
  place: Place,
  { genesis, sources }: Chosen,
  { kept }: RestoreWish,
  how: RestoreHow,
): Promise<Restored> {
  const held = new HeldCheckpoints(genesis);
  for (const { file, checkpoint } of kept) {
    const added = held.add(checkpoint, file);
    if (!added.ok) throw unusable('bad-receipt', `${file} is not of this election: ${added.error}.`);
  }
  for (const { name, newest, peer } of sources) held.add(newest.text, peer?.client.name ?? name);
  const survey = new Survey({
    genesis,
    held,
    own: null,
    dial: (addresses) => dialObserver(addresses, how.signal),
    onProblem: how.onProblem,
  });
  try {
    await Promise.all(sources.map((source) => askSource(survey, source)));
    await survey.askObservers();
    if (survey.fork !== undefined) throw new ForkFound(survey.fork);
    const fetchable = [
      ...survey.answered.map(({ client, size }) => peerSource(client, size)),
      ...sources
        .filter(({ peer }) => peer === undefined)
        .map(({ source, newest }) => storedSource(source, newest.size)),
    ];
    if (fetchable.length === 0)
      throw refused('no-source', 'Nothing that was named has a log that can be used.', {
        hint: 'The reasons are above. Name another observer, its folder, or an exported file with --from.',
      });
    return await build(place, { genesis, held, survey, fetchable }, how);
  } catch (error) {
    throw error instanceof ForkFound ? await keptConflict(dirname(place.data), error.evidence) : error;
  } finally {
    await survey.close();
  }
}

async function askSource(survey: Survey, { peer, forks }: RestoreSource): Promise<void> {
  for (const fork of forks) survey.takeEvidence(fork);
  if (peer === undefined) return;
  const { client, target } = peer;
  await survey.ask(
    client,
    target.addresses.map((address) => `${address}/p2p/${client.peerId}`),
  );
}

interface Found {
  readonly genesis: KnownGenesis;
  readonly held: HeldCheckpoints;
  readonly survey: Survey;
  readonly fetchable: readonly FetchSource[];
}

async function build(place: Place, found: Found, how: RestoreHow): Promise<Restored> {
  const work = await newWorkFolder(place.data);
  try {
    await fillLog(work, found, how);
    const restored = await describe({ ...place, data: work }, found);
    await keepUnconfirmed(work, {
      why: 'restored',
      observers: found.survey.answered.map(({ addresses }) => addresses),
      checkpoints: [],
    });
    await syncFolder(work);
    throwIfInterrupted(how.signal);
    await moveToPlace(work, place.data, '--data');
    return restored;
  } catch (error) {
    await rm(work, { recursive: true, force: true });
    throw error;
  }
}

async function fillLog(work: string, { genesis, held, fetchable }: Found, how: RestoreHow): Promise<void> {
  const copy = await LogCopy.open({
    openStore: () => openLevelStore(work, { create: true, program: PROGRAM }),
    clock: systemClock,
    onProgress: () => undefined,
  });
  const checker = createChecker();
  try {
    await fetchLog({
      copy,
      genesis,
      checker,
      sources: fetchable,
      onProgress: (done) => {
        throwIfInterrupted(how.signal);
        how.onProgress(done);
      },
      onProblem: how.onProblem,
      signal: how.signal,
    });
    const problem = await held.problemIn(copy);
    if (problem?.kind === 'conflict') throw new ForkFound(problem.evidence);
    if (problem?.kind === 'incomplete')
      throw historyIncomplete(problem.held, `only ${copy.head.size} can be fetched`, ANOTHER_SOURCE);
    if (copy.state.phase === 'empty' || copy.state.phase === 'enrolling')
      throw refused(
        'no-election',
        'What can be fetched is the beginning of an election that was never finished.',
      );
  } finally {
    await checker.close();
    await copy.close();
  }
}

const ANOTHER_SOURCE =
  'Name another source that has them with --from: another observer, its folder, or an exported file. Whoever holds the checkpoint may have it.';

/** Reads the folder as the program will that goes on with it, and writes what can be made again. */
async function describe(place: Place, { held, survey }: Found): Promise<Restored> {
  const quiet = () => undefined;
  const election = await openElection(place, { needsKey: true, onEvent: quiet, onProgress: quiet });
  try {
    const { state } = election.log;
    const files: string[] = [];
    await reportResults(election, (report) => {
      if (report.event === 'result') files.push(...report.files);
      return Promise.resolve();
    });
    const own =
      state.trustees === undefined ? [] : await ownTrustees(place.keys, new SealedRounds().trustees(state));
    return {
      status: await election.organiser.status(),
      compared: held.count,
      observers: survey.answered.length,
      files,
      ownTrustees: own.map(({ trustee }) => trustee),
    };
  } finally {
    await election.log.close();
  }
}
