import { isForeseen } from '../ports.ts';
import type { EntryChecker } from '../../audit/checker.ts';
import { refused } from '../../base/errors.ts';
import { openCosigned } from '../../log/cosignature.ts';
import type { LogCopy } from '../log-copy.ts';
import { InvalidLog, LogIntake, MAX_UNCOVERED_BYTES, badSource } from '../observing/intake.ts';
import type { KnownGenesis } from '../observing/known-genesis.ts';
import { isDishonest } from '../observing/sources.ts';
import { ForkFound, forkBetween } from './fork.ts';
import type { FetchSource } from './log-sources.ts';

export interface FetchInit {
  readonly copy: LogCopy;
  readonly genesis: KnownGenesis;
  /** The caller closes it. */
  readonly checker: EntryChecker;
  readonly sources: readonly FetchSource[];
  /** Told how many entries are there. It may throw, to end it all. */
  readonly onProgress: (done: number) => void;
  /** Told of a source that can't be used, or not to its end. */
  readonly onProblem: (source: string, reason: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Fills a copy with the longest log that the sources have: every entry is checked as an audit checks it, and is under a checkpoint that the
 * authority signed. Where a source fails the next one goes on. Throws `ForkFound` where one has another history, `log-invalid` where the
 * authority signed what breaks the election's rules, and what the copy's store throws.
 */
export async function fetchLog(init: FetchInit): Promise<void> {
  const { copy, genesis, checker, sources, onProgress } = init;
  const intake = await LogIntake.behind({
    copy,
    genesis,
    checker,
    maxUncoveredBytes: MAX_UNCOVERED_BYTES,
    onProgress,
  });
  try {
    // The longest first: the others then have nothing to add.
    for (const source of [...sources].sort((a, b) => b.size - a.size))
      if (source.size > copy.head.size) await fetchFrom(source, intake, init);
  } catch (error) {
    throw error instanceof InvalidLog ? invalid(error) : error;
  } finally {
    await intake.settled();
  }
}

/** Takes what a source has, as far as it can be used. */
async function fetchFrom(source: FetchSource, intake: LogIntake, init: FetchInit): Promise<void> {
  const { copy, onProblem, signal } = init;
  try {
    await take(source, intake, init);
    if (copy.head.size < source.size)
      onProblem(
        source.name,
        `it gives ${copy.head.size} of the ${source.size} entries that it has a checkpoint of`,
      );
  } catch (error) {
    await intake.settled();
    if (signal.aborted || copy.suspended || !isForeseen(error)) throw error;
    // What is signed for is as good from here as from anywhere.
    await intake.flush();
    if (isDishonest(error)) await lookForFork(source, init);
    onProblem(source.name, error.message);
  }
}

async function take(
  source: FetchSource,
  intake: LogIntake,
  { genesis, onProgress }: FetchInit,
): Promise<void> {
  intake.forget();
  for await (const update of source.updates(intake.next)) {
    if ('entries' in update) {
      intake.entries(update.entries);
      onProgress(intake.next);
      continue;
    }
    if (update.checkpoint === undefined) throw badSource('it has no checkpoint');
    // Signatures of others are no part of the log.
    const opened = openCosigned(update.checkpoint, genesis.key, () => false);
    if (!opened.ok) throw badSource(`its checkpoint is not good: ${opened.error}`);
    const isNew = await intake.covered(opened.value.bare);
    if (!('caughtUp' in update)) {
      // Or it could go on for ever, and nobody else would be asked.
      if (!isNew) throw badSource('it gives a checkpoint of what it gave before');
      continue;
    }
    await intake.flush();
    return;
  }
}

/** Throws `ForkFound` where a source goes on from another history than the one that is copied. */
async function lookForFork(source: FetchSource, { copy, genesis }: FetchInit): Promise<void> {
  const earlier = copy.newestCheckpoint;
  if (earlier === undefined) return;
  let fork;
  try {
    const { checkpoint: later, ...prefix } = await source.prefix(copy.head.size);
    fork = forkBetween(genesis, { earlier, later, prefix });
  } catch (error) {
    // What can't prove anything is no more than a source that failed, which is told.
    if (!isForeseen(error)) throw error;
  }
  if (fork !== undefined) throw new ForkFound(fork);
}

function invalid({ message, finding, checkpoint }: InvalidLog): Error {
  return refused(
    'log-invalid',
    `This election's key signed a log that breaks the rules (${message}), so that no audit will find it valid.`,
    {
      hint: `Entry ${finding.seq ?? '?'} of ${checkpoint.size}. There is nothing to go on from: make the election anew.`,
    },
  );
}
