import { PsephosError, refused, unusable } from '../../base/errors.ts';
import type { Choice } from '../../election/choices.ts';
import type { VoterRecord } from '../../services/ports.ts';
import {
  type CastBallot,
  type KnownElection,
  nextBallotNumber,
  openRound,
  prepareBallot,
} from '../../services/voter-session.ts';
import { programLine } from '../program-line.ts';
import type { Io } from '../io.ts';
import { type Ask, askerOf } from './ask.ts';
import { castOrDoubt } from './cast.ts';
import { parseChoices } from './choose.ts';
import { type ConnectFlags, type Met, meet, orInterrupted, readTarget } from './connect.ts';
import type { Console } from '../console.ts';
import {
  type Credentials,
  type IdentityFlags,
  identify,
  missingIdentity,
  readCredentials,
  requireFlags,
} from './identify.ts';
import { expectRoom, receiptName, saveReceipt } from '../receipt-file.ts';
import { type Anchor, ballotJson, ballotText, electionJson, electionText, standingOf } from './show.ts';

export interface VoteFlags extends ConnectFlags, IdentityFlags {
  readonly choose?: readonly string[];
  readonly yes?: boolean;
  readonly receipt?: string;
}

/** Shows the election, asks what no flag says, casts the ballot, checks its receipt and saves it. */
export async function vote(flags: VoteFlags, io: Io, out: Console): Promise<void> {
  const ask = await askerOf(io);
  if (ask === undefined) {
    const choose = flags.choose === undefined ? ['--choose'] : [];
    requireFlags([...missingIdentity(flags), ...choose, ...(flags.yes === true ? [] : ['--yes'])]);
  }
  const { anchor } = await readTarget(flags);
  if (anchor === 'none' && (ask === undefined || flags.yes === true)) throw unpinned();
  if (flags.receipt !== undefined) await expectRoom(flags.receipt);
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
  if (standingOf(election) !== 'open') throw notOpen(election);
  const { questions } = openRound(election).entry;
  if (anchor === 'none') await confirmFingerprint(election, ask, out);
  const given = flags.choose === undefined ? undefined : parseChoices(flags.choose, questions);

  const { seed, record } = await identify(met, credentials, ask, out);
  const number = numberOrWayOut(election, record);
  if (number > 1) out.note('You have voted in this round before. A new ballot replaces the earlier one.\n');
  const choices = given ?? (await askChoices(questions, ask));
  const ballot = prepareBallot(election, { seed, record }, choices);
  const path = flags.receipt ?? receiptName(ballot.tracker);
  await expectRoom(path);

  out.say(`\n${ballotText(questions, choices, ballot.number)}\n`);
  if (flags.yes !== true && !(await ask?.confirm('Cast this ballot?', true))) {
    throw refused('not-confirmed', 'Nothing was cast.');
  }
  const cast = await out.during('Casting', () => castOrDoubt(client, election, ballot, io));
  await keepReceipt(cast, path, out);
  report(cast, { election, anchor, path, questions, choices, dial: flags.dial }, out);
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

function unpinned(): Error {
  return unusable(
    'not-pinned',
    'Nothing that you gave says which election this should be, and nobody will look.',
    {
      hint: 'Dial the invite, or an address ending in /p2p/<peer id>; or give --election ID, or --fingerprint XXXX-XXXX-XXXX-XXXX-XXXX.',
    },
  );
}

function notOpen(election: KnownElection): Error {
  const round = election.round?.entry.round;
  if (round === undefined)
    return refused('not-open', 'No round of this election is open yet. Nothing was cast.');
  return refused('closed', `Round ${round} is closed. Nothing was cast.`);
}

async function confirmFingerprint(
  election: KnownElection,
  ask: Ask | undefined,
  out: Console,
): Promise<void> {
  out.note(
    'WARNING: the address does not name the key of the election. Whoever controls the network between you and the\n' +
      'organiser could show you an election of their own, and learn your vote. Compare the fingerprint with the one\n' +
      `that the organiser gave out by another way:\n\n    ${election.fingerprint}\n\n`,
  );
  if (await ask?.confirm('Is it the same?', false)) return;
  throw refused('not-confirmed', 'The election could not be verified. Nothing was cast.', {
    hint: 'Ask the organiser for the invite, or for the fingerprint.',
  });
}

async function askChoices(
  questions: Parameters<typeof parseChoices>[1],
  ask: Ask | undefined,
): Promise<Choice[]> {
  if (ask === undefined) throw new Error('choices are missing and nobody was asked');
  const choices: Choice[] = [];
  for (const [index, question] of questions.entries())
    choices.push(await ask.choice(question, index, questions.length));
  return choices;
}

/** Saves the receipt. Where that fails the ballot is cast nevertheless, and the receipt must not be lost. */
async function keepReceipt(cast: CastBallot, path: string, out: Console): Promise<void> {
  try {
    await saveReceipt(path, cast.receipt.text);
  } catch (error) {
    if (!(error instanceof PsephosError)) throw error;
    out.note(`${cast.receipt.text}\n`);
    throw refused(
      'receipt-not-saved',
      `Your ballot ${cast.tracker} IS cast, but its receipt could not be saved. ${error.message}`,
      {
        hint: `The receipt is printed above: copy it into a file. Or save one elsewhere with "${programLine('voter')} receipt".`,
        cause: error,
      },
    );
  }
}

function report(
  cast: CastBallot,
  about: {
    readonly election: KnownElection;
    readonly anchor: Anchor;
    readonly path: string;
    readonly questions: Parameters<typeof ballotJson>[0];
    readonly choices: readonly Choice[];
    readonly dial: string;
  },
  out: Console,
): void {
  const { tracker, number, receipt } = cast;
  const { election, path, questions, choices, dial } = about;
  out.emit({
    event: 'cast',
    electionId: election.electionId,
    round: election.round?.entry.round,
    tracker,
    number,
    index: receipt.index,
    logSize: receipt.checkpoint.size,
    receipt: path,
    ballot: ballotJson(questions, choices),
  });
  out.say(
    'Cast. The receipt was checked: your ballot is in the log.\n\n' +
      `  Ballot tracker  ${tracker}\n` +
      `  Log entry       ${receipt.index}, in a log of ${receipt.checkpoint.size} entries\n` +
      `  Receipt         ${path}\n\n` +
      'Keep the receipt: it proves that your ballot was taken. To check at any time that it is still there:\n\n' +
      `  ${verifyCommand(path, dial)}\n`,
  );
}

/** The command that verifies a receipt, ready for a shell. */
export function verifyCommand(path: string, dial: string): string {
  return `${programLine('voter')} verify --receipt ${quoted(path)} --dial ${quoted(dial)}`;
}

function quoted(word: string): string {
  return /^[\w./:@%+=-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
