import { equalBytes } from '../base/bytes.ts';
import { sha256 } from '../crypto/hash.ts';
import { encodeSignedBallot } from '../election/ballot.ts';
import { ballotBlock, readBallotFrame } from '../log/ballot-frame.ts';
import { decodeEntry } from '../log/entry-codec.ts';
import type { JudgedEvidence } from '../log/evidence.ts';
import { CompactTree, leafHash } from '../log/merkle.ts';
import type { BallotPromise } from '../log/promise.ts';
import type { Receipt } from '../log/receipt.ts';
import type { AuditReport, EvidenceOutcome } from './report.ts';
import type { LogSource } from './source.ts';

/** What evidence shows without any log. */
export function outcomeAlone({ finding }: JudgedEvidence): EvidenceOutcome {
  switch (finding.kind) {
    case 'fork':
      return {
        verdict: 'proven',
        message:
          `the authority signed two histories, one of ${finding.first.size} entries and one of ${finding.second.size}, and no log ` +
          'can continue both',
      };
    case 'omission':
      return {
        verdict: 'open',
        message:
          `the authority signed for entry ${finding.receipt.index} in a log of ${finding.receipt.checkpoint.size} entries, and showed one of ` +
          `${finding.served.size} later; whether it is missing there shows when the log is held against it`,
      };
    case 'promise':
      return {
        verdict: 'open',
        message: `the authority promised to have a ballot in the log by ${isoOf(finding.promise.by)}; whether it is there shows in the log`,
      };
  }
}

/**
 * What evidence shows with a log of the same election that was audited, and found valid. The log is read once more, and must be the one
 * that was audited: else it is `open`. Throws as the source does.
 */
export async function outcomeWith(
  judged: JudgedEvidence,
  report: Pick<AuditReport, 'checkpoint'>,
  source: LogSource,
): Promise<EvidenceOutcome> {
  const { finding } = judged;
  if (finding.kind === 'fork') return outcomeAlone(judged);
  if (report.checkpoint === undefined)
    return { verdict: 'open', message: 'the log has no checkpoint to be held to' };
  const search = new Search(finding);
  const tree = new CompactTree();
  for await (const chunk of source.entries(0, report.checkpoint.size)) {
    for (const bytes of chunk) {
      search.entry(bytes, tree);
      tree.append(leafHash(bytes));
      search.grown(tree);
    }
  }
  if (tree.size !== report.checkpoint.size || !equalBytes(tree.root(), report.checkpoint.root))
    return { verdict: 'open', message: 'the source shows another log now than the one that was audited' };
  return finding.kind === 'omission'
    ? omission(finding.receipt, search, tree.size)
    : promise(finding.promise, search);
}

/** Looks in a log that goes by for what evidence says is missing. */
class Search {
  readonly #finding: JudgedEvidence['finding'];
  /** Of the entry at the receipt's index. */
  entryThere: boolean | undefined;
  /** Whether the log begins with what the receipt's checkpoint covers; undefined while it is shorter. */
  continues: boolean | undefined;
  ballot: { readonly seq: number; readonly time: number } | undefined;
  lastTime = 0;

  constructor(finding: JudgedEvidence['finding']) {
    this.#finding = finding;
  }

  entry(bytes: Uint8Array, { size }: CompactTree): void {
    const finding = this.#finding;
    if (finding.kind === 'omission' && finding.receipt.index === size)
      this.entryThere = equalBytes(bytes, finding.receipt.extra ?? new Uint8Array());
    if (finding.kind !== 'promise') return;
    const read = readEntry(bytes);
    if (read === undefined) return;
    this.lastTime = read.time;
    if (read.hash !== undefined && equalBytes(read.hash, finding.promise.ballotHash))
      this.ballot ??= { seq: size, time: read.time };
  }

  grown(tree: CompactTree): void {
    if (this.#finding.kind !== 'omission') return;
    const { size, root } = this.#finding.receipt.checkpoint;
    if (tree.size === size) this.continues = equalBytes(tree.root(), root);
  }
}

/** An entry's time and, of a ballot, the hash of its bytes as they travelled; undefined where it can't be read. */
function readEntry(
  bytes: Uint8Array,
): { readonly time: number; readonly hash: Uint8Array | undefined } | undefined {
  const frame = readBallotFrame(bytes);
  if (frame !== undefined) return { time: frame.time, hash: sha256(ballotBlock(bytes, frame)) };
  const decoded = decodeEntry(bytes);
  if (!decoded.ok) return undefined;
  const entry = decoded.value;
  return {
    time: entry.time,
    hash: entry.kind === 'ballot' ? sha256(encodeSignedBallot(entry.ballot)) : undefined,
  };
}

function omission(
  { index, checkpoint }: Receipt,
  { continues, entryThere }: Search,
  size: number,
): EvidenceOutcome {
  if (continues === undefined) {
    return {
      verdict: 'open',
      message:
        `the log has ${size} entries, and the receipt's checkpoint covers ${checkpoint.size}: this is an older copy, or entries were ` +
        'removed; ask the organiser and observers for a longer one',
    };
  }
  if (continues && entryThere === true)
    return { verdict: 'kept', message: `entry ${index} is in the log, as the receipt says` };
  return {
    verdict: 'proven',
    message: `the log does not begin with the ${checkpoint.size} entries that the authority signed for in the receipt, entry ${index} among them`,
  };
}

function promise({ by }: BallotPromise, { ballot, lastTime }: Search): EvidenceOutcome {
  if (ballot !== undefined) {
    const late = ballot.time > by ? `, though ${Math.ceil((ballot.time - by) / 1000)} s late` : '';
    return { verdict: 'kept', message: `the ballot is entry ${ballot.seq} of the log${late}` };
  }
  if (lastTime <= by) {
    return {
      verdict: 'open',
      message: `the ballot is not in the log, which ends before the promised time, ${isoOf(by)}; look again in a longer one`,
    };
  }
  return {
    verdict: 'proven',
    message: `the ballot is not in the log, which has entries up to ${isoOf(lastTime)}; it was promised to be there by ${isoOf(by)}`,
  };
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString();
}
