import { refused } from '../../base/errors.ts';
import { type KnownElection, type PreparedBallot, openRound } from '../../services/voter-session.ts';
import { writeOpenedBallot } from '../../store/opened-ballot-files.ts';
import type { Console } from '../console.ts';
import { programLine, shellWord } from '../program-line.ts';

/** Where an opened ballot goes, and which log it is to be held against. */
export interface Opened {
  readonly election: KnownElection;
  readonly path: string;
  readonly dial: string;
}

/**
 * Opens a sealed ballot that is not cast, and never may be: writes what it encrypts and with which random numbers, and says how another
 * machine checks that. Throws `not-sealed` where ballots are open, and the file system's refusal.
 */
export async function openBallot(
  { opening, tracker }: PreparedBallot,
  { election, path, dial }: Opened,
  out: Console,
): Promise<void> {
  if (opening === undefined) {
    throw refused('not-sealed', 'The ballots of this election are open: there is no encryption to check.', {
      hint: 'Leave out --audit to vote. Nothing was cast.',
    });
  }
  const { electionId } = election;
  const { round } = openRound(election).entry;
  const { sealed, choices, randomness } = opening;
  await writeOpenedBallot(path, { electionId, round, tracker, sealed, choices, randomness });
  out.emit({ event: 'opened', electionId, round, tracker, file: path });
  out.say(
    `This ballot is not cast, and never will be. It can be opened with ${path}\n\n` +
      `  Ballot tracker  ${tracker}\n\n` +
      'To check that it encrypts what you chose, take the file to a machine that you trust more than this one, and type\n\n' +
      `  ${programLine('verify-log')} ${shellWord(dial)} --ballot ${shellWord(path)}\n\n` +
      'It must show the choices that you made, and this ballot tracker. The file tells these choices to whoever has it.\n',
  );
}
