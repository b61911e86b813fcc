import { PsephosError } from '../../base/errors.ts';
import { toHex, utf8ToBytes } from '../../base/bytes.ts';
import { sha256 } from '../../crypto/hash.ts';
import { type ForkEvidence, formatEvidence } from '../../log/evidence.ts';
import { createFile } from '../../store/files.ts';
import type { Console } from '../console.ts';
import { alarmBox } from '../observer/alarm-text.ts';
import { programLine } from '../program-line.ts';

/**
 * Raises the alarm over two histories of an election, and keeps what proves them in the current folder, under a name of its own for each
 * evidence. Where it can't be kept it says so, and goes on: the verdict does not hang on that.
 */
export async function reportFork(evidence: ForkEvidence, electionId: string, out: Console): Promise<void> {
  const text = formatEvidence(evidence);
  const file = `psephos-fork-${toHex(sha256(utf8ToBytes(text))).slice(0, 12)}.evidence.json`;
  let failure: string | undefined;
  try {
    await createFile(file, { mode: 0o600, overwrite: true }, (handle) => handle.writeFile(text));
  } catch (error) {
    if (!(error instanceof PsephosError)) throw error;
    failure = error.message;
  }
  out.emit({ event: 'fork', electionId, file: failure === undefined ? file : null, evidence: text });
  const proof =
    failure === undefined
      ? `What proves it: ${file}\nKeep it, and show it to others: ${programLine('verify-log')} --evidence ${file}`
      : `What proves it could not be kept here: ${failure}\nRun this again in a folder that can be written.`;
  out.note(
    alarmBox(
      `THE AUTHORITY OF THIS ELECTION SIGNED TWO HISTORIES: it shows different people different logs, or somebody else has its key.\n${proof}`,
    ),
  );
}
