import { PsephosError, refused } from '../../base/errors.ts';
import type { VoterRecord } from '../../services/ports.ts';
import {
  type KnownElection,
  nextBallotNumber,
  openRound,
  prepareBallot,
} from '../../services/voter-session.ts';
import type { Console } from '../console.ts';
import type { Io } from '../io.ts';
import { programLine } from '../program-line.ts';
import { expectRoom, receiptName } from '../receipt-file.ts';
import { type Ask, askerOf } from './ask.ts';
import { castOrDoubt } from './cast.ts';
import { keepReceipt, reportCast } from './cast-report.ts';
import { parseChoices } from './choose.ts';
import { askChoices, confirmedBallot } from './confirm.ts';
import { type ConnectFlags, type Met, meet, orInterrupted, readTarget, unpinned } from './connect.ts';
import {
  type Credentials,
  type IdentityFlags,
  identify,
  missingIdentity,
  readCredentials,
  requireFlags,
} from './identify.ts';
import { openBallot } from './open-ballot.ts';
import { confirmFingerprint } from './pinning.ts';
import { electionJson, electionText, standingOf } from './show.ts';
import { Watch } from './watch.ts';
import { type WitnessFlags, expectObservers } from './witness.ts';

export interface VoteFlags extends ConnectFlags, IdentityFlags, WitnessFlags {
  readonly choose?: readonly string[];
  readonly yes?: boolean;
  readonly receipt?: string;
  /** Where to write a ballot that is opened instead of cast. */
  readonly audit?: string;
  /** Whether to cast although an alarm was raised. */
  readonly castAnyway?: boolean;
}

/** Shows the election, asks what no flag says, casts the ballot, checks its receipt and saves it. */
export async function vote(flags: VoteFlags, io: Io, out: Console): Promise<void> {
  const ask = await askerOf(io);
  if (ask === undefined) {
    const choose = flags.choose === undefined ? ['--choose'] : [];
    const unasked = flags.yes === true || flags.audit !== undefined;
    requireFlags([...missingIdentity(flags), ...choose, ...(unasked ? [] : ['--yes'])]);
  }
  await expectObservers(flags);
  const { anchor } = await readTarget(flags);
  if (anchor === 'none' && (ask === undefined || flags.yes === true)) throw unpinned();
  for (const file of [flags.receipt, flags.audit]) if (file !== undefined) await expectRoom(file);
  const credentials = await readCredentials(flags, io);

  const met = await meet(flags, io, out);
  try {
    await voteWith(met, flags, credentials, ask, io, out);
  } catch (error) {
    throw orInterrupted(error, io);
  } finally {
    await met.client.close();
  }
}

async function voteWith(
  met: Met,
  flags: VoteFlags,
  credentials: Credentials,
  ask: Ask | undefined,
  io: Io,
  out: Console,
): Promise<void> {
  const { client, election, anchor } = met;
  out.emit(electionJson(election, anchor));
  out.say(`${electionText(election, anchor, Date.now())}\n`);
  const isOpen = standingOf(election) === 'open';
  if (anchor === 'none') {
    // Of an election that may be any, nothing is remembered.
    if (!isOpen) throw notOpen(election);
    await confirmFingerprint(election, ask, out);
  }
  const watch = await Watch.begin(met, flags, io, out);
  if (!isOpen) {
    watch.expectNone('No ballot can be cast, and an alarm was raised, see above.');
    throw notOpen(election);
  }
  if (flags.castAnyway !== true)
    watch.expectNone('Nothing was cast: an alarm was raised, see above. To cast all the same: --cast-anyway');
  const { entry: round } = openRound(election);
  const { questions } = round;
  const given = flags.choose === undefined ? undefined : parseChoices(flags.choose, questions);

  const { seed, record } = await identify(met, credentials, ask, out);
  const number = numberOrWayOut(election, record);
  if (number > 1) out.note('You have voted in this round before. A new ballot replaces the earlier one.\n');
  const voter = { seed, record };
  if (flags.audit !== undefined) {
    const choices = given ?? (await askChoices(questions, ask));
    await openBallot(
      prepareBallot(election, voter, choices),
      { election, path: flags.audit, dial: flags.dial },
      out,
    );
    return;
  }
  const { dial, receipt, yes = false } = flags;
  const { ballot, choices } = await confirmedBallot(election, voter, given, { ask, dial, receipt, yes }, out);
  const path = flags.receipt ?? receiptName(ballot.tracker);
  const cast = await out.during('Casting', () =>
    castOrDoubt(client, election, ballot, { dial, path, io, out }),
  );
  await watch.keep(cast.receipt, round.round);
  await keepReceipt(cast, path, out);
  reportCast(cast, { election, path, choices, dial }, out);
  await watch.confirm(cast.receipt, 'Your ballot IS cast, and its receipt is saved.');
}

/** As `nextBallotNumber`; who can't vote again may have lost the answer to their ballot, and is told what to do. */
function numberOrWayOut(election: KnownElection, record: VoterRecord): number {
  try {
    return nextBallotNumber(election, record);
  } catch (error) {
    if (!(error instanceof PsephosError && error.code === 'already-voted')) throw error;
    const hint =
      `${error.hint ?? ''}\nTo save a receipt of that ballot: ${programLine('voter')} receipt`.trim();
    throw refused(error.code, error.message, { hint, cause: error });
  }
}

function notOpen(election: KnownElection): Error {
  const round = election.round?.entry.round;
  if (round === undefined)
    return refused('not-open', 'No round of this election is open yet. Nothing was cast.');
  return refused('closed', `Round ${round} is closed. Nothing was cast.`);
}
