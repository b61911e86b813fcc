import { equalBytes } from '../../base/bytes.ts';
import { PsephosError } from '../../base/errors.ts';
import { readBallot, decodeSignedBallot } from '../../election/ballot.ts';
import type { Receipt } from '../../log/receipt.ts';
import { type KnownElection, ballotInReceipt, openReceipt } from '../../services/voter-session.ts';
import type { Console } from '../console.ts';
import type { Io } from '../io.ts';
import { programLine, quotePath } from '../program-line.ts';
import { receiptName } from '../receipt-file.ts';
import { castOrDoubt } from './cast.ts';
import { type OpenVote, keepReceipt, reportCast } from './cast-report.ts';
import { type ConnectFlags, type Met, meet, orInterrupted } from './connect.ts';
import { memoryOf } from './memory.ts';
import type { Pending } from './pending.ts';
import { REQUEST_PATIENCE } from './waiting.ts';
import { Watch } from './watch.ts';
import type { WitnessFlags } from './witness.ts';

export interface DeliverFlags extends ConnectFlags, WitnessFlags {
  /** Whether to cast although an alarm was raised. */
  readonly castAnyway?: boolean;
}

/** Whom a ballot goes to, and the eye that is kept on them. */
export interface Session {
  readonly met: Met;
  readonly watch: Watch;
}

/**
 * Casts a ballot that waits, by the session's peer or, where that is an observer, by the organiser once they can be reached; checks, saves
 * and remembers the receipt, and forgets the ballot only then. Throws as `castOrDoubt`, and what ends the waiting.
 */
export async function deliver(
  pending: Pending,
  session: Session,
  flags: DeliverFlags,
  io: Io,
  out: Console,
): Promise<void> {
  if (session.met.election.servedBy === 'authority') return deliverTo(session, pending, flags, io, out);
  const { waiting } = session.met;
  pending.sayWaits(false, flags.wait ?? REQUEST_PATIENCE);
  waiting.holdQuietly(pending);
  const met = await meet(
    { ...flags, election: session.met.election.electionId, wait: flags.wait ?? REQUEST_PATIENCE },
    ...([io, out, 'acting', waiting] as const),
  ).catch((error: unknown) => {
    throw stillKept(orInterrupted(error, io), pending);
  });
  try {
    const watch = await Watch.begin(met, flags, io, out);
    if (flags.castAnyway !== true)
      watch.expectNone(
        'Nothing was cast: an alarm was raised, see above. To cast all the same: --cast-anyway',
      );
    await deliverTo({ met, watch }, pending, flags, io, out);
  } finally {
    await met.client.close();
  }
}

async function deliverTo(
  { met, watch }: Session,
  pending: Pending,
  flags: DeliverFlags,
  io: Io,
  out: Console,
): Promise<void> {
  const { client, election, waiting } = met;
  const { dial } = flags;
  const path = flags.receipt ?? receiptName(pending.ballot.tracker);
  const receiptKept = (bytes: Uint8Array) => rememberedReceipt(bytes, election, flags, io, out);
  waiting.hold(pending);
  const cast = await out.during('Casting', () =>
    castOrDoubt(client, election, pending, { dial, path, receiptKept, io, out }),
  );
  await watch.keep(cast.receipt, pending.round);
  await keepReceipt(cast, path, out);
  // Only now: whatever ends the program before, the next run gets the receipt by sending the same bytes.
  await pending.drop();
  reportCast(cast, { election, round: pending.round, path, vote: openVote(pending, election), dial }, out);
  await watch.confirm(cast.receipt, 'Your ballot IS cast, and its receipt is saved.');
}

/** The receipt of a ballot in what this user's programs remember. */
async function rememberedReceipt(
  bytes: Uint8Array,
  election: KnownElection,
  flags: DeliverFlags,
  io: Io,
  out: Console,
): Promise<Receipt | undefined> {
  const { receipts } = await memoryOf(election.electionId, flags, io, out).recall();
  for (const { text, round } of receipts) {
    // That of a key.
    if (round === null) continue;
    try {
      const receipt = openReceipt(text, election);
      if (equalBytes(ballotInReceipt(receipt).bytes, bytes)) return receipt;
    } catch (error) {
      // What the disk made of one says nothing of the others.
      if (!(error instanceof PsephosError)) throw error;
    }
  }
  return undefined;
}

/** Undefined for a sealed ballot, and for one whose round is not the one that the peer shows. */
function openVote({ ballot: { bytes } }: Pending, { round }: KnownElection): OpenVote | undefined {
  const signed = decodeSignedBallot(bytes);
  const read = signed.ok ? readBallot(signed.value) : signed;
  if (!read.ok || read.value.form !== 'open' || round?.cid.equals(read.value.round) !== true)
    return undefined;
  return { questions: round.entry.questions, choices: read.value.choices };
}

/** A failure before this run sent anything, with what became of the ballot. */
function stillKept(error: unknown, { ballot: { tracker }, file, isResumed }: Pending): unknown {
  if (!(error instanceof PsephosError)) return error;
  const where =
    file === undefined
      ? 'It was not sent, and is lost: nothing is kept on this computer.'
      : isResumed
        ? // The run that made it may have been cut off after that.
          `It was not sent now, but may have been before; it is kept in ${quotePath(file)}.`
        : `It was not sent, and is kept in ${quotePath(file)}.`;
  const again = `To cast it, run the program again, or "${programLine('voter')} --pending cast"; to wait longer: --wait SECONDS.`;
  return new PsephosError(error.kind, error.code, `${error.message} Your ballot is ${tracker}. ${where}`, {
    hint: file === undefined ? 'Vote again when the organiser can be reached.' : again,
    cause: error,
  });
}
