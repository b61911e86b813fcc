import type { Expected } from '../../audit/checks/identity.ts';
import { type AuditReport, type EvidenceOutcome, withOutcome } from '../../audit/report.ts';
import { type AuditOptions, audit } from '../../audit/run.ts';
import type { AuditThread } from '../../audit/thread.ts';
import { createChecker } from '../../audit/worker-pool.ts';
import { PsephosError, unusable } from '../../base/errors.ts';
import type { Checkpoint } from '../../log/checkpoint.ts';
import { sealedTracker } from '../../election/ballot.ts';
import { readOpenedBallot } from '../../store/opened-ballot-files.ts';
import type { Console } from '../console.ts';
import type { Io } from '../io.ts';
import { type Progress, showProgress } from '../progress.ts';
import { evidenceObject, evidenceText, judgeWith, readEvidence } from './evidence.ts';
import type { Flags } from './flags.ts';
import { readCheckpoint, readReceipt } from './known.ts';
import type { Target } from './target.ts';

/**
 * Audits the log that is being opened and prints the report: with what evidence comes to, and what peers say of the log where it is theirs. Of an
 * opened ballot it prints whether that encrypts what it says. The verdict is on all of it. `threads` are those started for it, if any; they and the
 * target are closed when this settles.
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
    const heard = await hear(target, flags, io, out);
    const auditing = auditTarget(target, flags, io, {
      checker,
      ...(opened === undefined ? {} : { trackers: [sealedTracker(opened.sealed)] }),
      knownCheckpoints: [...receipts.map(({ receipt }) => receipt.checkpoint.text), ...checkpoints],
      heard: heard.known,
    });
    auditing.catch(() => undefined);
    // Tables for a terminal take a while to load, and the threads are at work by now.
    const [{ reportObjects }, { reportText }, { peersObjects, peersText }] = await Promise.all([
      import('./report-json.ts'),
      import('./report-text.ts'),
      import('./peers-report.ts'),
    ]);
    const audited = await auditing;
    const judged = evidence && (await judgeWith(evidence, audited, target.source));
    const outcomes = [judged, heard.outcome].filter((one) => one !== undefined);
    const report = outcomes.reduce(withOutcome, audited);
    const { peers } = target;
    const objects = [
      ...(evidence && judged ? [evidenceObject(evidence, judged)] : []),
      ...(peers ? peersObjects(peers) : []),
    ];
    const texts = [...(peers ? peersText(peers) : []), ...(judged ? [evidenceText(judged)] : [])];
    for (const object of reportObjects(report, objects)) out.emit(object);
    out.say(reportText(report, receipts, texts));
    if (opened === undefined) return report.verdict;
    const { reportOpened } = await import('./opened.ts');
    return reportOpened(opened, audited, out) === 'valid' ? report.verdict : 'invalid';
  } finally {
    const closed = opening.then(
      (target) => target.close(),
      () => undefined,
    );
    await Promise.all([checker.close(), closed]);
  }
}

/** What the peers that serve a log know of it besides: checkpoints that it must continue, and whether there is a second history. */
async function hear(
  { peers }: Target,
  flags: Flags,
  io: Io,
  out: Console,
): Promise<{ readonly known: readonly Checkpoint[]; readonly outcome?: EvidenceOutcome }> {
  if (peers === undefined) return { known: [] };
  const known = await peers.hear({ ask: flags.askObservers === true, signal: io.signal });
  const { fork } = peers.hearsay;
  if (fork === undefined) return { known };
  const { reportFork } = await import('./fork.ts');
  await reportFork(fork, peers.electionId, out);
  const message = 'the authority signed another history as well, see the alarm';
  return { known, outcome: { verdict: 'proven', message } };
}

async function auditTarget(
  target: Target,
  flags: Flags,
  io: Io,
  {
    heard,
    knownCheckpoints = [],
    ...options
  }: Pick<AuditOptions, 'checker' | 'knownCheckpoints' | 'trackers'> & {
    readonly heard: readonly Checkpoint[];
  },
): Promise<AuditReport> {
  for (;;) {
    const most = target.peers?.gathered?.agreed.size ?? Infinity;
    const known = heard.filter(({ size }) => size <= most).map(({ text }) => text);
    const bar = new AuditBar(io);
    try {
      return await audit(target.source, {
        ...options,
        knownCheckpoints: [...knownCheckpoints, ...known],
        ...expectedOf(target, flags),
        onProgress: (done, total) => {
          bar.update(done, total);
        },
        signal: io.signal,
      });
    } catch (error) {
      // Peers that show more than they give are left out by now; the others have a log, too.
      const isWithheld = error instanceof PsephosError && error.code === 'withheld';
      if (!isWithheld || target.peers?.gathered?.fallBack() !== true) throw error;
    } finally {
      bar.stop();
    }
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
