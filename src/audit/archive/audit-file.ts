import { auditArchive } from '../../belenios/v1/audit/audit-archive.ts';
import type { ArchiveAudit } from '../../belenios/v1/audit/report.ts';
import { cryptography } from '../../belenios/v1/cryptography.ts';
import { ballotPool } from './ballot-pool.ts';

export interface ArchiveRun {
  /** Threads that judge ballots; 0: the calling thread does. By default one for each core. */
  readonly workers?: number | undefined;
  /** Called with the number of ballots judged. */
  readonly onProgress: (ballots: number) => void;
  readonly signal: AbortSignal;
}

/** Ballots a thread gets at a time: some tens of milliseconds of work. */
const BATCH = 8;

/** Audits a Belenios archive as `auditArchive`, its ballots in threads. */
export async function auditBelenios(
  source: AsyncIterable<Uint8Array>,
  { workers, onProgress, signal }: ArchiveRun,
): Promise<ArchiveAudit> {
  if (workers === 0) return auditArchive(source, { cryptography, onProgress, signal });
  const pool = ballotPool(workers);
  try {
    return await auditArchive(source, {
      cryptography,
      onProgress,
      signal,
      checkBallots: pool.check,
      batchSize: BATCH,
      batchesAtOnce: pool.atOnce,
    });
  } finally {
    await pool.close();
  }
}
