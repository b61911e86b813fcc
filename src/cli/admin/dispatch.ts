import { setTimeout as sleep } from 'node:timers/promises';
import { PsephosError, unreachable } from '../../base/errors.ts';
import { askControl } from '../../net/control-socket.ts';
import type { Io } from '../io.ts';
import { showProgress } from '../progress.ts';
import { type Command, execute, needsKey } from './commands.ts';
import { type OpenElection, type Place, openElection, throwIfInterrupted } from './election-folder.ts';
import type { Output } from './output.ts';
import { type Emit, reportSchema } from './reports.ts';
import { expectConfirmed } from './unconfirmed.ts';

/** A process that starts or ends holds the store for a moment without answering on its socket: how often, in ms, and until when to ask again. */
const RETRY_EVERY = 250;
const RETRY_FOR = 5_000;

export interface Surroundings {
  readonly place: Place;
  readonly io: Io;
  readonly output: Output;
}

/**
 * Has a command carried out: by the process that runs the election, if there is one, else by this one, which then takes
 * the store. Throws what the command throws, and `store-locked` where another program than admin holds the store.
 */
export async function dispatch(around: Surroundings, command: Command, emit: Emit): Promise<void> {
  const deadline = Date.now() + RETRY_FOR;
  while (!(await askRunning(around.place, command, emit))) {
    const election = await openUnlessLocked(around, needsKey(command));
    if (!(election instanceof PsephosError)) {
      await executeHere(around, election, command, emit);
      return;
    }
    if (Date.now() > deadline || around.io.signal.aborted) throw election;
    await sleep(RETRY_EVERY);
  }
}

async function executeHere(
  { io }: Surroundings,
  election: OpenElection,
  command: Command,
  emit: Emit,
): Promise<void> {
  const progress = showProgress(io, 'Exporting, entries', election.log.head.size);
  try {
    if (needsKey(command)) await expectConfirmed(election.place.data);
    await execute(election, command, { emit, live: () => null, onProgress: progress.update });
  } finally {
    progress.stop();
    await election.log.close();
  }
}

async function askRunning({ data }: Place, { command, args }: Command, emit: Emit): Promise<boolean> {
  return askControl(data, { command, args }, async (item) => {
    const report = reportSchema.safeParse(item);
    if (!report.success) {
      throw unreachable(
        'no-answer',
        'The admin process that runs this election answers in a way that is not understood.',
        {
          hint: 'It may be of another version: stop it, and start it again from this folder.',
        },
      );
    }
    await emit(report.data);
  });
}

/** The election, or the error that says who holds it. */
async function openUnlessLocked(
  { place, io, output }: Surroundings,
  withKey: boolean,
): Promise<OpenElection | PsephosError> {
  const progress = showProgress(io, 'Reading the log, entries');
  try {
    return await openElection(place, {
      needsKey: withKey,
      onProgress: (done) => {
        throwIfInterrupted(io.signal);
        progress.update(done);
      },
      onEvent: (event) => {
        // A command prints its own reports; what it doesn't ask for and an organiser must know is this alone.
        if (event.type === 'clock-behind')
          output.warn(`WARNING: this computer's clock is ${Math.round(event.byMs / 1000)} s behind the log.`);
      },
    });
  } catch (error) {
    if (error instanceof PsephosError && error.code === 'store-locked') return error;
    throw error;
  } finally {
    progress.stop();
  }
}
