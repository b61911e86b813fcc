import { auditArchive } from '../../belenios/v1/audit/audit-archive.ts';
import type { ArchiveAudit } from '../../belenios/v1/audit/report.ts';
import { cryptography } from '../../belenios/v1/cryptography.ts';
import type { AuditThread } from '../thread.ts';
import { ballotPool } from './ballot-pool.ts';
import { startBallotThreads } from './ballot-threads.ts';

export interface ArchiveRun {
  /** Threads that judge ballots beside the calling one, started for this run; by default one for each further core. */
  readonly threads?: readonly AuditThread[];
  /** Called with the number of ballots judged. */
  readonly onProgress: (ballots: number) => void;
  readonly signal: AbortSignal;
}

/** Ballots a thread gets at a time: some ten milliseconds of work, so that all threads end at about the same time. */
const BATCH = 4;

/** Audits a Belenios archive as `auditArchive`, its ballots in threads, which are closed when this settles. */
export async function auditBelenios(
  source: AsyncIterable<Uint8Array>,
  { threads = startBallotThreads(), onProgress, signal }: ArchiveRun,
): Promise<ArchiveAudit> {
  try {
    const pool = ballotPool(threads);
    return await auditArchive(source, {
      cryptography,
      onProgress,
      signal,
      checkBallots: pool.check,
      batchSize: BATCH,
      batchesAtOnce: pool.atOnce,
    });
  } finally {
    await Promise.all(threads.map((thread) => thread.close()));
  }
}
