import { PsephosError, refused, unreachable } from '../../base/errors.ts';
import type { BallotPromise } from '../../log/promise.ts';
import type { PeerClient } from '../../services/ports.ts';
import {
  type CastBallot,
  type KnownElection,
  type PreparedBallot,
  castBallot,
} from '../../services/voter-session.ts';
import type { Console } from '../console.ts';
import type { Io } from '../io.ts';
import { programLine } from '../program-line.ts';
import { withPromiseKept } from './promise-evidence.ts';

/** Answers that don't say that the ballot was refused. */
const NO_VERDICT = new Set(['busy', 'internal', 'bad-answer']);

const findOut = () =>
  `Run "${programLine('voter')} receipt" to find out, and to save the receipt if it was. However often a ballot is sent, it counts once.`;

export interface CastHow {
  readonly dial: string;
  /** Where the receipt shall be. */
  readonly path: string;
  readonly io: Io;
  readonly out: Console;
}

/**
 * Casts a ballot through a client that tries again by itself. Where it ends without an answer, the error says that the
 * ballot may have been cast all the same: nothing else would be true. Where it ends without a receipt for a ballot that was promised to be
 * in the log, the promise is saved beside the receipt's place, and the error says what it is good for.
 */
export async function castOrDoubt(
  client: PeerClient,
  election: KnownElection,
  ballot: PreparedBallot,
  { dial, path, io, out }: CastHow,
): Promise<CastBallot> {
  // Of several, since the ballot was sent again: the last, so that nobody is accused too early.
  let promise: BallotPromise | undefined;
  try {
    return await castBallot(client, election, ballot, {
      clock: { now: () => Date.now() },
      onPromise: (given) => {
        promise = given;
        out.emit({ event: 'promised', tracker: ballot.tracker, promised: given.by });
      },
    });
  } catch (error) {
    const failure = inDoubt(error, ballot, io);
    if (promise === undefined || !(failure instanceof PsephosError)) throw failure;
    throw await withPromiseKept(failure, { promise, election, ballot, dial, path, findOut: findOut() }, out);
  }
}

/** What it means that no receipt came. */
function inDoubt(error: unknown, { tracker }: PreparedBallot, { signal }: Io): unknown {
  if (error instanceof PsephosError && error.code === 'bad-promise') {
    const hint = `${error.hint ?? ''}\n${findOut()}`.trim();
    return refused(error.code, error.message, { hint, cause: error });
  }
  const refusal = error instanceof PsephosError && error.kind === 'refused' && !NO_VERDICT.has(error.code);
  if (refusal) return error;
  if (signal.aborted) {
    return refused(
      'interrupted',
      `Interrupted. The ballot ${tracker} was on its way, and may have been cast.`,
      { hint: findOut(), cause: error },
    );
  }
  if (!(error instanceof PsephosError)) return error;
  return unreachable(
    'no-answer',
    `The ballot ${tracker} was sent, but no receipt came back; it may have been cast. ${error.message}`,
    { hint: findOut(), cause: error },
  );
}
