import { equalBytes } from '../base/bytes.ts';
import type { Result } from '../base/result.ts';
import { cidOf } from '../crypto/cid.ts';
import type { Checkpoint } from '../log/checkpoint.ts';
import { type Authority, readAuthority } from './authority.ts';
import { type Ending, batchesOf } from './batches.ts';
import type { EntryChecker, EntryTask } from './checker.ts';
import { CheckpointFeed } from './checkpoint-feed.ts';
import { CommitmentCheck } from './checks/commitments.ts';
import { knownCommitments } from './checks/history.ts';
import { type Expected, identify } from './checks/identity.ts';
import { expectRegistrar } from './checks/registrar.ts';
import { coverage, newestCommitment, readNewest } from './checks/root.ts';
import { StoredCheckpointsCheck } from './checks/stored.ts';
import type { CheckedEntries } from './entry-check.ts';
import { LogFold } from './fold.ts';
import { Lookout } from './lookout.ts';
import { type AuditReport, Findings } from './report.ts';
import { SealedContexts } from './sealed-contexts.ts';
import type { LogSource } from './source.ts';

export interface AuditOptions extends Expected {
  readonly checker: EntryChecker;
  /** Checkpoints seen earlier, on receipts for instance: the log must continue each of them. */
  readonly knownCheckpoints?: readonly string[];
  /** Trackers of sealed ballots; the report says which of them were cast. */
  readonly trackers?: readonly string[];
  /** Called now and then with the number of entries done, and how many there are where a checkpoint says so. */
  readonly onProgress?: (done: number, total: number | undefined) => void;
  readonly signal?: AbortSignal;
}

/**
 * Audits a log: reads it once, in order, in memory that grows with the roll and not with the log. Whatever is wrong with
 * it is a finding in the report; only a source that can't be read throws, and an aborted `signal`. The caller closes the
 * checker.
 *
 * Of a log that grows meanwhile it audits what the newest checkpoint at the start covers.
 */
export async function audit(source: LogSource, options: AuditOptions): Promise<AuditReport> {
  const findings = new Findings();
  const authority = await readAuthority(source);
  const newest = await readNewest(source, authority?.key);
  const known = knownCommitments(options.knownCheckpoints ?? [], authority?.key, findings);
  const tree = new CommitmentCheck(
    [...known, ...(newest.ok ? [newestCommitment(newest.value)] : [])],
    findings,
  );
  const feed = authority && new CheckpointFeed(source, options.checker, authority.key);
  const stored = feed && new StoredCheckpointsCheck(feed, tree, findings);
  const contexts =
    authority?.genesis.policy.secrecy === 'sealed' ? new SealedContexts(authority.genesis) : undefined;
  const lookout = new Lookout(options.trackers ?? []);
  const fold = new LogFold(findings, tree, stored, contexts, lookout);
  if (stored === undefined) {
    findings.excuse(['checkpoints'], 'not-judged', 'the log does not say whose checkpoints are good');
  }
  try {
    await stored?.judgeDue();
    const ending = await foldAll(source, fold, { authority, contexts, newest, findings, options });
    if (ending.why === 'damaged') {
      fold.damaged(ending.message);
    } else {
      tree.end();
      if (ending.why === 'end') stored?.end();
      coverage(newest, fold.size, findings);
    }
    fold.end();
  } finally {
    await feed?.close();
  }
  findings.excuse(['word'], 'not-applicable', 'no evidence was given');
  identify(fold.election, options, findings);
  expectRegistrar(fold.election, options.expectedRegistrar, findings);
  return {
    source: source.name,
    verdict: findings.verdict(),
    checks: findings.checks(),
    first: findings.first,
    election: fold.election,
    size: fold.size,
    head: fold.head,
    checkpoint: newest.ok ? newest.value : undefined,
    enrolled: fold.enrolled,
    ...(fold.trustees === undefined ? {} : { trustees: fold.trustees }),
    ...(fold.ceremony === undefined ? {} : { ceremony: fold.ceremony }),
    ...(fold.call === undefined ? {} : { call: fold.call }),
    rounds: fold.rounds,
    cast: lookout.seen,
  };
}

/** Feeds the checker as fast as it takes batches, and the fold with its answers in the order of the log. */
async function foldAll(
  source: LogSource,
  fold: LogFold,
  context: {
    readonly authority: Authority | undefined;
    readonly contexts: SealedContexts | undefined;
    readonly newest: Result<Checkpoint, string>;
    readonly findings: Findings;
    readonly options: AuditOptions;
  },
): Promise<Ending> {
  const { authority, contexts, newest, findings, options } = context;
  const { checker, signal, onProgress } = options;
  const total = newest.ok ? newest.value.size : undefined;
  const grown = async () => {
    const now = await readNewest(source, authority?.key);
    return now.ok && total !== undefined && now.value.size > total;
  };
  const inFlight: Promise<CheckedEntries>[] = [];
  const foldTo = async (length: number) => {
    for (;;) {
      const next = inFlight.length > length ? inFlight.shift() : undefined;
      if (next === undefined) return;
      await fold.take(await next);
      signal?.throwIfAborted();
      onProgress?.(fold.size, total);
    }
  };
  const batches = batchesOf(source, total, grown);
  try {
    for (let first = true; ; first = false) {
      const batch = await batches.next();
      if (batch.done === true) {
        await foldTo(0);
        return batch.value;
      }
      if (first) judgeFirst(batch.value, authority, findings);
      const sealed = contexts?.learn(batch.value) ?? [];
      const checked = checker.entries({ ...batch.value, ...electionOf(authority), sealed });
      // It is awaited in its turn; a failure before that must not count as unhandled.
      checked.catch(() => undefined);
      inFlight.push(checked);
      await foldTo(checker.depth - 1);
    }
  } finally {
    await batches.return({ why: 'stopped' });
  }
}

function electionOf(authority: Authority | undefined): Pick<EntryTask, 'policy' | 'genesis'> {
  if (authority === undefined) return { policy: undefined, genesis: undefined };
  return { policy: authority.genesis.policy, genesis: cidOf(authority.bytes).bytes };
}

/** The keys that everything is judged by came from an earlier read: it must have been of the same log. */
function judgeFirst(
  { bytes, lengths }: { readonly bytes: Uint8Array; readonly lengths: Uint32Array },
  authority: Authority | undefined,
  findings: Findings,
): void {
  if (authority === undefined || equalBytes(bytes.subarray(0, lengths[0]), authority.bytes)) return;
  findings.add({ check: 'format', seq: 0, message: 'the source gives a different first entry each time' });
}
