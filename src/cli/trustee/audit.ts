import { audit } from '../../audit/run.ts';
import { type AuditReport, describeFinding } from '../../audit/report.ts';
import type { Expected } from '../../audit/checks/identity.ts';
import type { LogSource } from '../../audit/source.ts';
import { createChecker } from '../../audit/worker-pool.ts';
import { refused } from '../../base/errors.ts';
import { type NotedKey, readNotes } from '../../store/trustee-notes.ts';
import type { Console } from '../console.ts';
import type { Io } from '../io.ts';
import { printable } from '../printable.ts';
import { programLine } from '../program-line.ts';
import { showProgress } from '../progress.ts';
import { openTarget } from '../verify-log/target.ts';

export interface AuditFlags {
  readonly election?: string;
}

/** Audits the log that a trustee names. Throws `invalid` for one that is not valid, `wrong-election`, and what reading it throws. */
export async function auditOf(
  name: string,
  flags: AuditFlags,
  io: Io,
  out: Console,
  knownCheckpoints: readonly string[] = [],
): Promise<AuditReport> {
  const target = await out.during(`Opening ${name}`, () => openTarget(name, io.signal));
  try {
    const { expectedElection = flags.election, ...expected } = target.expected;
    if (flags.election !== undefined && expectedElection !== flags.election)
      throw refused(
        'wrong-election',
        `The invite is to election ${expectedElection}, not to ${flags.election}.`,
      );
    return await auditValid(
      target.source,
      { ...expected, ...(expectedElection === undefined ? {} : { expectedElection }) },
      io,
      knownCheckpoints,
    );
  } finally {
    await target.close();
  }
}

/**
 * As `auditOf`, for a key that may have seen this election before: the log must continue what it saw. Which election it is shows only by an audit, so
 * that there are two of them then.
 */
export async function auditFor(
  key: NotedKey,
  name: string,
  flags: AuditFlags,
  io: Io,
  out: Console,
): Promise<AuditReport> {
  const report = await auditOf(name, flags, io, out);
  const { checkpoints } = await readNotes(key);
  const known = checkpoints[report.election?.id ?? ''];
  return known === undefined ? report : auditOf(name, flags, io, out, [known]);
}

/** Audits a log as verify-log does. Throws `invalid` for one that is not valid. */
export async function auditValid(
  source: LogSource,
  expected: Expected,
  io: Io,
  knownCheckpoints: readonly string[],
): Promise<AuditReport> {
  const checker = createChecker();
  const progress = showProgress(io, 'Auditing');
  try {
    const report = await audit(source, {
      checker,
      ...expected,
      knownCheckpoints,
      onProgress: progress.update,
      signal: io.signal,
    });
    if (report.verdict === 'invalid') throw invalid(report);
    return report;
  } finally {
    progress.stop();
    await checker.close();
  }
}

function invalid({ first }: AuditReport): Error {
  const why = first === undefined ? 'its audit found something wrong' : printable(describeFinding(first));
  return refused('invalid', `The log is NOT VALID: ${why}. Nothing was decrypted, and nothing sent.`, {
    hint: `Tell the other trustees and the organiser. More about it: ${programLine('verify-log')} <log>`,
  });
}
