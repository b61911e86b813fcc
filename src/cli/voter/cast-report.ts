import { PsephosError, refused } from '../../base/errors.ts';
import type { Choice } from '../../election/choices.ts';
import type { Question } from '../../election/entries.ts';
import type { CastBallot, KnownElection } from '../../services/voter-session.ts';
import type { Console } from '../console.ts';
import { printable } from '../printable.ts';
import { programLine, shellWord } from '../program-line.ts';
import { saveReceipt } from '../receipt-file.ts';
import { ballotJson } from '../vote-text.ts';

/** Saves the receipt. Where that fails the ballot is cast nevertheless, and the receipt must not be lost. */
export async function keepReceipt(cast: CastBallot, path: string, out: Console): Promise<void> {
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

/** An open ballot's vote, and what it is on. */
export interface OpenVote {
  readonly questions: readonly Question[];
  readonly choices: readonly Choice[];
}

/** Says that a ballot is cast, where its receipt is, and what that is good for. Of a sealed ballot nothing is said of what it encrypts. */
export function reportCast(
  cast: CastBallot,
  about: {
    readonly election: KnownElection;
    readonly round: number;
    /** The vote where ballots are open and the questions at hand. */
    readonly vote: OpenVote | undefined;
    readonly path: string;
    readonly dial: string;
  },
  out: Console,
): void {
  const { tracker, number, receipt, badPromise } = cast;
  const { election, round, path, vote, dial } = about;
  const sealed = election.genesis.policy.secrecy === 'sealed';
  out.emit({
    event: 'cast',
    electionId: election.electionId,
    round,
    tracker,
    number,
    index: receipt.index,
    logSize: receipt.checkpoint.size,
    receipt: path,
    ...(badPromise === undefined ? {} : { badPromise }),
    ...(vote === undefined ? {} : { ballot: ballotJson(vote.questions, vote.choices) }),
  });
  out.say(
    `Cast. The receipt was checked: your ${sealed ? 'encrypted ' : ''}ballot is in the log.\n\n` +
      `  Ballot tracker  ${tracker}\n` +
      `  Log entry       ${receipt.index}, in a log of ${receipt.checkpoint.size} entries\n` +
      `  Receipt         ${path}\n\n` +
      `Keep the receipt: it proves that your ballot was taken${sealed ? ', and to nobody what you voted' : ''}. To check at any time that it is still there:\n\n` +
      `  ${verifyCommand(path, dial)}\n`,
  );
  if (badPromise !== undefined)
    out.note(
      `\nThe ballot is cast all the same, but a promise that came before the receipt does not hold: ${printable(badPromise)}.\n` +
        "Unless this computer's clock is wrong, tell the organiser and the observers: an honest program gives no such promise.\n",
    );
}

/** The command that verifies a receipt, ready for a shell. */
export function verifyCommand(path: string, dial: string): string {
  return `${programLine('voter')} verify --receipt ${shellWord(path)} --dial ${shellWord(dial)}`;
}
