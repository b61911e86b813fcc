import { PsephosError, refused, unreachable } from '../../base/errors.ts';
import type { VoterRecord } from '../../services/ports.ts';
import {
  type KnownElection,
  nextBallotNumber,
  openRound,
  prepareBallot,
} from '../../services/voter-session.ts';
import type { Console } from '../console.ts';
import type { KeptBallot } from '../../store/kept-ballots.ts';
import type { Io } from '../io.ts';
import { programLine } from '../program-line.ts';
import { expectRoom } from '../receipt-file.ts';
import { askerOf } from './ask.ts';
import { parseChoices } from './choose.ts';
import { askChoices, confirmedBallot } from './confirm.ts';
import { type Met, meet, orInterrupted, readTarget, unpinned } from './connect.ts';
import { type Session, deliver } from './deliver.ts';
import { identify, missingIdentity, readCredentials, requireFlags } from './identify.ts';
import { openBallot } from './open-ballot.ts';
import { BallotBox } from './pending.ts';
import { confirmFingerprint } from './pinning.ts';
import { keptOf, settleKept, settleOwn } from './settle-kept.ts';
import { electionJson, electionText, standingOf } from './show.ts';
import type { VoteFlags, Voting } from './voting.ts';
import { Waiting } from './waiting.ts';
import { Watch } from './watch.ts';
import { expectObservers } from './witness.ts';

const NOTHING_YET =
  "The organiser's computer can't be reached. No ballot can be made before it is, or an observer: only they show what is voted on.\n";

/**
 * Shows the election, asks what no flag says, casts the ballot, checks its receipt and saves it. A ballot that an earlier run could not
 * cast comes first.
 */
export async function vote(flags: VoteFlags, io: Io, out: Console): Promise<void> {
  const ask = await askerOf(io);
  if (ask === undefined && flags.pending !== 'cast') {
    const choose = flags.choose === undefined ? ['--choose'] : [];
    const unasked = flags.yes === true || flags.audit !== undefined;
    requireFlags([...missingIdentity(flags), ...choose, ...(unasked ? [] : ['--yes'])]);
  }
  await expectObservers(flags);
  const { target, anchor } = await readTarget(flags);
  if (anchor === 'none' && (ask === undefined || flags.yes === true)) throw unpinned();
  const credentials = await readCredentials(flags, io);
  const voting = { flags, credentials, ask, box: new BallotBox(flags, io, out), io, out };
  const known = await keptOf(voting, target);
  for (const kept of known) voting.box.sayFound(kept);
  // A ballot that is kept may have its receipt there already.
  if (flags.receipt !== undefined && known.length === 0) await expectRoom(flags.receipt);
  if (flags.audit !== undefined) await expectRoom(flags.audit);

  const waiting = new Waiting(out, flags.wait, known.length === 0 ? NOTHING_YET : '');
  const met = await meet(flags, io, out, 'voting', waiting).catch((error: unknown) => {
    throw unmet(error, known);
  });
  try {
    await voteWith(met, voting, new Set(known.map(({ tracker }) => tracker)));
  } catch (error) {
    throw orInterrupted(error, io);
  } finally {
    await met.client.close();
  }
}

async function voteWith(met: Met, voting: Voting, said: ReadonlySet<string>): Promise<void> {
  const { flags, ask, box, io, out } = voting;
  const { election, anchor } = met;
  out.emit(electionJson(election, anchor));
  out.say(`${electionText(election, anchor, Date.now())}\n`);
  const isOpen = standingOf(election) === 'open';
  const kept = flags.audit === undefined ? await keptOf(voting, election) : [];
  if (anchor === 'none') {
    // Of an election that may be any, nothing is remembered.
    if (!isOpen && kept.length === 0) throw notOpen(election);
    await confirmFingerprint(election, ask, out);
  }
  const watch = await Watch.begin(met, flags, io, out);
  if (!isOpen && kept.length === 0) {
    watch.expectNone('No ballot can be cast, and an alarm was raised, see above.');
    throw notOpen(election);
  }
  if (flags.castAnyway !== true)
    watch.expectNone('Nothing was cast: an alarm was raised, see above. To cast all the same: --cast-anyway');
  const session = { met, watch };
  for (const one of kept) if (!said.has(one.tracker)) box.sayFound(one);
  if (await settleKept(kept, session, voting)) return;
  if (!isOpen) throw notOpen(election);
  await voteAnew(session, voting);
}

async function voteAnew(session: Session, voting: Voting): Promise<void> {
  const { flags, credentials, ask, box, io, out } = voting;
  const { met } = session;
  const { election } = met;
  const { questions } = openRound(election).entry;
  const given = flags.choose === undefined ? undefined : parseChoices(flags.choose, questions);

  const { seed, record } = await identify(met, credentials, ask, out);
  if (flags.audit === undefined && (await settleOwn(record, session, voting))) return;
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
  const { ballot } = await confirmedBallot(election, voter, given, { ask, dial, receipt, yes }, out);
  // On disk before the first byte of it is sent.
  await deliver(await box.keep({ election, voter: record.name, ballot }), session, flags, io, out);
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

/** A failure to reach anybody, with what that means for a ballot. */
function unmet(error: unknown, kept: readonly KeptBallot[]): unknown {
  if (!(error instanceof PsephosError && error.kind === 'unreachable')) return error;
  const [first] = kept;
  const what =
    first === undefined
      ? 'No ballot was made: what can be voted on is known only once the organiser, or an observer, is reached.'
      : `The ballot ${first.tracker} stays kept on this computer.`;
  const hint = `${error.hint ?? ''}\nTo keep trying for longer: --wait SECONDS`.trim();
  return unreachable(error.code, `${error.message} ${what}`, { hint, cause: error });
}

function notOpen(election: KnownElection): Error {
  const round = election.round?.entry.round;
  if (round === undefined)
    return refused('not-open', 'No round of this election is open yet. Nothing was cast.');
  return refused('closed', `Round ${round} is closed. Nothing was cast.`);
}
