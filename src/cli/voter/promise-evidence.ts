import { dirname, join } from 'node:path';
import { equalBytes } from '../../base/bytes.ts';
import { PsephosError } from '../../base/errors.ts';
import { MAX_EVIDENCE_BYTES, formatEvidence, judgeEvidence, parseEvidence } from '../../log/evidence.ts';
import type { BallotPromise } from '../../log/promise.ts';
import type { KnownElection, PreparedBallot } from '../../services/voter-session.ts';
import { writeSecretFile } from '../../store/files.ts';
import { readSmallFile } from '../../store/small-file.ts';
import type { Console } from '../console.ts';
import { programLine, shellWord } from '../program-line.ts';
import { evidenceName } from '../receipt-file.ts';
import { formatTime } from '../time.ts';

/** A ballot that was promised to be in the log, and for which no receipt came. */
export interface Unkept {
  readonly promise: BallotPromise;
  readonly election: KnownElection;
  readonly ballot: PreparedBallot;
  readonly dial: string;
  /** Where the receipt would be: the promise is saved beside it. */
  readonly path: string;
  /** How to find out what became of the ballot, where the failure has no better advice. */
  readonly findOut: string;
}

/** Saves the promise as evidence; resolves to the failure that ended the casting, with where that is and what it is good for. */
export async function withPromiseKept(
  failure: PsephosError,
  { promise, election, ballot, dial, path, findOut }: Unkept,
  out: Console,
): Promise<PsephosError> {
  const file = join(dirname(path), evidenceName(ballot.tracker));
  const text = formatEvidence({ kind: 'promise', genesis: election.genesisBytes, promise: promise.text });
  let where = `saved in ${file}`;
  let saved = true;
  try {
    await save(file, text, promise);
  } catch (error) {
    if (!(error instanceof PsephosError)) throw error;
    // It must not be lost, and what casting ended with must not be hidden by this.
    saved = false;
    out.note(asciiJson(text));
    where = `printed above, since it could not be saved (${error.message}): copy it into ${file}`;
  }
  const by = formatTime(promise.by);
  out.emit({
    event: 'evidence',
    kind: 'promise',
    electionId: election.electionId,
    tracker: ballot.tracker,
    promised: promise.by,
    file: saved ? file : null,
  });
  return new PsephosError(
    failure.kind,
    failure.code,
    `${failure.message} The organiser's program has promised that the ballot will be in the log by ${by}; that promise is ${where}.`,
    {
      hint:
        `${failure.hint ?? findOut}\nIf it is not in the log after that time, anybody can see that the promise was broken:\n` +
        `  ${programLine('verify-log')} ${shellWord(dial)} --evidence ${shellWord(file)}`,
      cause: failure,
    },
  );
}

/** An earlier promise of the same ballot, from an earlier try, is as good and stays. */
async function save(file: string, text: string, promise: BallotPromise): Promise<void> {
  try {
    await writeSecretFile(file, text);
  } catch (error) {
    const isThere = error instanceof PsephosError && error.code === 'file-exists';
    if (!isThere || !(await promisesTheSame(file, promise))) throw error;
  }
}

async function promisesTheSame(file: string, { ballotHash }: BallotPromise): Promise<boolean> {
  const evidence = parseEvidence((await readSmallFile(file, MAX_EVIDENCE_BYTES)) ?? '');
  const judged = evidence.ok ? judgeEvidence(evidence.value) : evidence;
  return (
    judged.ok &&
    judged.value.finding.kind === 'promise' &&
    equalBytes(judged.value.finding.promise.ballotHash, ballotHash)
  );
}

/** JSON for a terminal: a signed note may hold text of strangers, but what is escaped drives nothing. */
function asciiJson(text: string): string {
  return text.replace(/[^\n\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
