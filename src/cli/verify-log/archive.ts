import { createReadStream } from 'node:fs';
import { auditBelenios } from '../../audit/archive/audit-file.ts';
import type { AuditThread } from '../../audit/thread.ts';
import type { ArchiveAudit } from '../../belenios/v1/audit/report.ts';
import { unusable } from '../../base/errors.ts';
import { fileError } from '../../store/fs-errors.ts';
import type { Console } from '../console.ts';
import type { Io } from '../io.ts';
import { showProgress } from '../progress.ts';
import { archiveObjects, archiveText } from './archive-report.ts';
import type { Flags } from './flags.ts';

/** Audits a Belenios archive in threads that were started for it, and prints the report. Throws `usage` for options that only a log of ours can be held against. */
export async function verifyArchive(
  path: string,
  threads: readonly AuditThread[],
  flags: Flags,
  io: Io,
  out: Console,
): Promise<ArchiveAudit['verdict']> {
  const { receipt, checkpoint, ballot, evidence, election, registrar } = flags;
  const ofOurs = [ballot, evidence, election, registrar].some((flag) => flag !== undefined);
  if (receipt.length > 0 || checkpoint.length > 0 || ofOurs) {
    throw unusable(
      'usage',
      `${path} is a Belenios archive, which has no receipts, checkpoints, opened ballots, evidence, id or registrar of a log.`,
      {
        hint: 'Leave out --receipt, --checkpoint, --ballot, --evidence, --election and --registrar, or name the log itself.',
      },
    );
  }
  const progress = showProgress(io, 'Auditing ballots', undefined);
  let audit: ArchiveAudit;
  try {
    audit = await auditBelenios(createReadStream(path, { highWaterMark: 1 << 18 }), {
      threads,
      onProgress: (ballots) => {
        progress.update(ballots);
      },
      signal: io.signal,
    });
  } catch (error) {
    throw fileError(error, path);
  } finally {
    progress.stop();
  }
  for (const object of archiveObjects(audit)) out.emit(object);
  out.say(archiveText(audit));
  return audit.verdict;
}
