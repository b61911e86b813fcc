import type { Expected } from '../../audit/checks/identity.ts';
import type { AuditReport } from '../../audit/report.ts';
import { type AuditOptions, audit } from '../../audit/run.ts';
import type { AuditThread } from '../../audit/thread.ts';
import { createChecker } from '../../audit/worker-pool.ts';
import { unusable } from '../../base/errors.ts';
import { sealedTracker } from '../../election/ballot.ts';
import { readOpenedBallot } from '../../store/opened-ballot-files.ts';
import type { Console } from '../console.ts';
import type { Io } from '../io.ts';
import { type Progress, showProgress } from '../progress.ts';
import { readEvidence, reportWith } from './evidence.ts';
import type { Flags } from './flags.ts';
import { readCheckpoint, readReceipt } from './known.ts';
import type { Peers } from './peers.ts';
import type { Target } from './target.ts';

/**
 * Audits the log that is being opened and prints the report, of an opened ballot whether it encrypts what it says, and of evidence whether it is proven; the verdict is on all of it. `threads` are those started for it, if any; they and the target are
 * closed when this settles.
 */
export async function verifyLog(
  opening: Promise<Target>,
  threads: readonly AuditThread[],
  flags: Flags,
  io: Io,
  out: Console,
): Promise<AuditReport['verdict']> {
  const checker = createChecker({ workers: flags.workers, threads });
  try {
    const receipts = await Promise.all(flags.receipt.map(readReceipt));
    const checkpoints = await Promise.all(flags.checkpoint.map(readCheckpoint));
    const opened = flags.ballot === undefined ? undefined : await readOpenedBallot(flags.ballot);
    const evidence = flags.evidence === undefined ? undefined : await readEvidence(flags.evidence);
    const target = await opening;
    const auditing = auditTarget(target, flags, io, {
      checker,
      ...(opened === undefined ? {} : { trackers: [sealedTracker(opened.sealed)] }),
      knownCheckpoints: [...receipts.map(({ receipt }) => receipt.checkpoint.text), ...checkpoints],
    });
    auditing.catch(() => undefined);
    // Tables for a terminal take a while to load, and the threads are at work by now.
    const [{ reportObjects }, { reportText }] = await Promise.all([
      import('./report-json.ts'),
      import('./report-text.ts'),
    ]);
    const report = await auditing;
    for (const object of reportObjects(report)) out.emit(object);
    out.say(reportText(report, receipts));
    const isKept = evidence === undefined || (await reportWith(evidence, report, target.source, out));
    const isOneHistory =
      target.peers === undefined || (await compareWith(target.peers, report, flags, io, out));
    const verdict = isKept && isOneHistory ? report.verdict : 'invalid';
    if (opened === undefined) return verdict;
    const { reportOpened } = await import('./opened.ts');
    return reportOpened(opened, report, out) === 'valid' ? verdict : 'invalid';
  } finally {
    const closed = opening.then(
      (target) => target.close(),
      () => undefined,
    );
    await Promise.all([checker.close(), closed]);
  }
}

/** Whether the audited log is the only one that its peers know of. */
async function compareWith(
  peers: Peers,
  report: AuditReport,
  flags: Flags,
  io: Io,
  out: Console,
): Promise<boolean> {
  const { comparePeers } = await import('./peers.ts');
  return comparePeers(peers, report, { ask: flags.askObservers === true, signal: io.signal }, out);
}

async function auditTarget(
  target: Target,
  flags: Flags,
  io: Io,
  options: Pick<AuditOptions, 'checker' | 'knownCheckpoints' | 'trackers'>,
): Promise<AuditReport> {
  const bar = new AuditBar(io);
  try {
    return await audit(target.source, {
      ...options,
      ...expectedOf(target, flags),
      onProgress: (done, total) => {
        bar.update(done, total);
      },
      signal: io.signal,
    });
  } finally {
    bar.stop();
  }
}

function expectedOf(target: Target, { election, registrar }: Flags): Expected {
  const expected: Expected = {
    ...target.expected,
    ...(registrar === undefined ? {} : { expectedRegistrar: registrar }),
  };
  if (election === undefined) return expected;
  if (expected.expectedElection !== undefined && expected.expectedElection !== election) {
    throw unusable('usage', `The invite is to election ${expected.expectedElection}, not to ${election}.`);
  }
  return { ...expected, expectedElection: election };
}

/** The bar's total comes with the first progress. */
class AuditBar {
  readonly #io: Io;
  #progress: Progress | undefined;

  constructor(io: Io) {
    this.#io = io;
  }

  update(done: number, total: number | undefined): void {
    this.#progress ??= showProgress(this.#io, 'Auditing', total);
    this.#progress.update(done);
  }

  stop(): void {
    this.#progress?.stop();
    this.#progress = undefined;
  }
}
