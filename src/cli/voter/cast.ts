import { PsephosError, refused, unreachable } from '../../base/errors.ts';
import type { BallotPromise } from '../../log/promise.ts';
import type { Receipt } from '../../log/receipt.ts';
import type { PeerClient } from '../../services/ports.ts';
import { type CastBallot, type KnownElection, castBallot } from '../../services/voter-session.ts';
import type { Console } from '../console.ts';
import type { Io } from '../io.ts';
import { programLine, quotePath } from '../program-line.ts';
import type { Pending } from './pending.ts';
import { withPromiseKept } from './promise-evidence.ts';

/** Answers that don't say that the ballot was refused; the last two come of somebody else, who is there since a connection was lost. */
const NO_VERDICT = new Set(['busy', 'internal', 'bad-answer', 'wrong-peer', 'not-served']);

/** Answers after which a ballot can never be cast: the election's authority has judged it. */
export const FINAL: ReadonlySet<string> = new Set([
  'already-voted',
  'bad-proof',
  'bad-signature',
  'closed',
  'malformed',
  'too-large',
  'unknown-voter',
  'wrong-election',
]);

const findOut = (file: string | undefined) =>
  (file === undefined
    ? ''
    : `It is kept in ${quotePath(file)}: run the program again, and it casts that ballot.\n`) +
  `Run "${programLine('voter')} receipt" to find out, and to save the receipt if it was. However often a ballot is sent, it counts once.`;

export interface CastHow {
  readonly dial: string;
  /** Where the receipt shall be. */
  readonly path: string;
  /** The receipt of a ballot that another program of this user cast meanwhile. */
  readonly receiptKept: (bytes: Uint8Array) => Promise<Receipt | undefined>;
  readonly io: Io;
  readonly out: Console;
}

/**
 * Casts a ballot through a client that tries again by itself. Where it ends without an answer, the error says that the
 * ballot may have been cast all the same: nothing else would be true. Where it ends without a receipt for a ballot that was promised to be
 * in the log, the promise is saved beside the receipt's place, and the error says what it is good for. A ballot that was refused for good is
 * kept no longer.
 */
export async function castOrDoubt(
  client: PeerClient,
  election: KnownElection,
  pending: Pending,
  { dial, path, receiptKept, io, out }: CastHow,
): Promise<CastBallot> {
  const { ballot, file } = pending;
  // Of several, since the ballot was sent again: the last, so that nobody is accused too early.
  let promise: BallotPromise | undefined;
  try {
    await pending.expectKept();
    return await castBallot(client, election, ballot, {
      clock: { now: () => Date.now() },
      onPromise: (given) => {
        promise = given;
        out.emit({ event: 'promised', tracker: ballot.tracker, promised: given.by });
      },
    });
  } catch (error) {
    if (error instanceof PsephosError && error.code === 'ballot-gone') {
      const receipt = await receiptKept(ballot.bytes);
      if (receipt === undefined) throw error;
      return { ...ballot, receipt };
    }
    const failure = inDoubt(error, pending, io);
    if (failure instanceof PsephosError && failure.kind === 'refused' && FINAL.has(failure.code))
      await pending.drop();
    if (promise === undefined || !(failure instanceof PsephosError)) throw failure;
    throw await withPromiseKept(
      failure,
      { promise, election, ballot, dial, path, findOut: findOut(file) },
      out,
    );
  }
}

/** What it means that no receipt came. */
function inDoubt(error: unknown, { ballot: { tracker }, file, isResumed }: Pending, { signal }: Io): unknown {
  if (error instanceof PsephosError && error.code === 'bad-promise') {
    const hint = `${error.hint ?? ''}\n${findOut(file)}`.trim();
    return refused(error.code, error.message, { hint, cause: error });
  }
  const refusal = error instanceof PsephosError && error.kind === 'refused' && !NO_VERDICT.has(error.code);
  if (refusal) return isResumed && FINAL.has(error.code) ? tooLate(error, tracker) : error;
  if (signal.aborted) {
    return refused(
      'interrupted',
      `Interrupted. The ballot ${tracker} was on its way, and may have been cast.`,
      { hint: findOut(file), cause: error },
    );
  }
  if (!(error instanceof PsephosError)) return error;
  return unreachable(
    'no-answer',
    `The ballot ${tracker} was sent, but no receipt came back; it may have been cast. ${error.message}`,
    { hint: findOut(file), cause: error },
  );
}

/** The refusal of a ballot that was kept, after which it is no longer. */
function tooLate(error: PsephosError, tracker: string): PsephosError {
  const overtaken =
    error.code === 'already-voted'
      ? ' Another ballot of yours came before it, from another computer or program, and stands.'
      : '';
  return refused(
    error.code,
    `The ballot ${tracker} that was kept here is not in the log, can not be cast any more, and is kept no longer. ${error.message}${overtaken}`,
    {
      hint: 'Run the program again to see how the election stands, and to vote anew where that is possible.',
      cause: error,
    },
  );
}
