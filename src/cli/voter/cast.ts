import { PsephosError, refused, unreachable } from '../../base/errors.ts';
import type { PeerClient } from '../../services/ports.ts';
import {
  type CastBallot,
  type KnownElection,
  type PreparedBallot,
  castBallot,
} from '../../services/voter-session.ts';
import { programLine } from '../program-line.ts';
import type { Io } from '../io.ts';

/** Answers that don't say that the ballot was refused. */
const NO_VERDICT = new Set(['busy', 'internal']);

const findOut = () =>
  `Run "${programLine('voter')} receipt" to find out, and to save the receipt if it was. However often a ballot is sent, it counts once.`;

/**
 * Casts a ballot through a client that tries again by itself. Where it ends without an answer, the error says that the
 * ballot may have been cast all the same: nothing else would be true.
 */
export async function castOrDoubt(
  client: PeerClient,
  election: KnownElection,
  ballot: PreparedBallot,
  io: Io,
): Promise<CastBallot> {
  try {
    return await castBallot(client, election, ballot);
  } catch (error) {
    const refusal = error instanceof PsephosError && error.kind === 'refused' && !NO_VERDICT.has(error.code);
    if (refusal) throw error;
    if (io.signal.aborted) {
      throw refused(
        'interrupted',
        `Interrupted. The ballot ${ballot.tracker} was on its way, and may have been cast.`,
        {
          hint: findOut(),
          cause: error,
        },
      );
    }
    if (!(error instanceof PsephosError)) throw error;
    throw unreachable(
      'no-answer',
      `The ballot ${ballot.tracker} was sent, but no receipt came back; it may have been cast. ${error.message}`,
      { hint: findOut(), cause: error },
    );
  }
}
