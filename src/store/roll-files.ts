import { unusable, refused } from '../base/errors.ts';
import { type Registration, decodeRollFile, registrationProblem } from '../election/registration.ts';
import { readSmallJson } from './small-file.ts';

/** A voter's line has at most about 1,000 bytes, and mostly 120: two million voters. */
const MAX_ROLL_FILE_BYTES = 256 * 1024 * 1024;

/**
 * Reads a roll that its registrar signed and nobody altered since. Throws `not-a-roll` for what has not that form, `altered-roll` for one
 * whose signature does not hold or that no log may have, or the file system's refusal.
 */
export async function readRollFile(path: string): Promise<Registration> {
  const read = decodeRollFile(await readSmallJson(path, MAX_ROLL_FILE_BYTES));
  if (!read.ok) {
    throw unusable('not-a-roll', `${path} can't be read as a registrar's roll: ${read.error}.`, {
      hint: 'Give the file roll.json, which "registrar make" wrote, exactly as the registrar sent it.',
    });
  }
  const problem = registrationProblem(read.value);
  if (problem === undefined) return read.value;
  throw refused('altered-roll', `${path} can't be used: ${problem}.`, {
    hint: 'Ask the registrar for the file again, and compare the fingerprints of the two aloud.',
  });
}
