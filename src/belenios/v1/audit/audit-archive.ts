import { type ArchiveEntry, type ArchiveProblem, readArchive } from '../archive/reader.ts';
import { ARCHIVE_LIMITS, type ArchiveLimits } from '../archive/limits.ts';
import type { EventType } from '../encoding/events.ts';
import { type CheckBallots, checkBallotsInline } from './ballot-judge.ts';
import { BallotQueue } from './ballot-queue.ts';
import { BallotBoard } from './board.ts';
import type { AuditCryptography } from './cryptography.ts';
import { type ArchiveAudit, type ArchiveCheckId, ArchiveFindings, type Stage } from './report.ts';
import { type AuditedSetup, auditSetup } from './setup.ts';
import { TallyingAudit } from './tallying.ts';

export interface ArchiveAuditOptions {
  readonly cryptography: AuditCryptography;
  /** Judges the ballots; by default one after the other on this thread. */
  readonly checkBallots?: CheckBallots;
  /** How many ballots the checker gets in one call, and how many calls are underway at once; 32 and 1 by default. */
  readonly batchSize?: number;
  readonly batchesAtOnce?: number;
  readonly limits?: ArchiveLimits;
  /** Called with the number of ballots judged. */
  readonly onProgress?: (ballots: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * Audits a Belenios archive with homomorphic questions (specification, 3.5): reads it once, in memory that grows with the
 * voters and by one hash with each ballot. Whatever is wrong with it is in the report; only a source or a checker that fails, and
 * an aborted `signal`, reject.
 *
 * It is stricter than Belenios' own program 3.0, which lets through: a tally, its count or its weight that are not those
 * of the ballots; events out of order; several spellings of a ballot; partial decryptions before there is a result; no
 * trustees, or keys of which everybody knows the secret.
 */
export async function auditArchive(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: ArchiveAuditOptions,
): Promise<ArchiveAudit> {
  const findings = new ArchiveFindings();
  const fold = new ArchiveFold(options, findings);
  findings.begin('archive');
  let stoppedAt: ArchiveProblem | undefined;
  for await (const read of readArchive(source, options.limits ?? ARCHIVE_LIMITS)) {
    options.signal?.throwIfAborted();
    if (!read.ok) {
      stoppedAt = read.error;
      break;
    }
    await fold.entry(read.value);
  }
  await fold.end();
  if (stoppedAt !== undefined) {
    findings.invalid('archive', `at byte ${stoppedAt.offset}: ${stoppedAt.message}`);
  } else if (fold.stage === undefined) {
    findings.invalid('archive', 'there is no Setup');
  }
  const checks = findings.checks();
  return {
    verdict: checks.every(({ verdict }) => verdict === 'valid' || verdict === 'absent') ? 'valid' : 'invalid',
    checks,
    ...(stoppedAt === undefined ? {} : { stoppedAt }),
    ...fold.summary(),
  };
}

/** To which check an event belongs. */
const CHECK_OF: Readonly<Record<EventType, ArchiveCheckId | undefined>> = {
  Setup: 'election',
  Ballot: 'ballots',
  EndBallots: undefined,
  EncryptedTally: 'tally',
  Shuffle: 'decryptions',
  EndShuffles: 'decryptions',
  PartialDecryption: 'decryptions',
  Result: 'result',
};

/** What there is from the Setup event on. */
interface Underway {
  readonly setup: AuditedSetup;
  readonly board: BallotBoard;
  readonly queue: BallotQueue;
  readonly tallying: TallyingAudit;
}

/** Takes the events in their order, which the archive's reader has checked. */
class ArchiveFold {
  readonly #options: ArchiveAuditOptions;
  readonly #findings: ArchiveFindings;
  #underway: Underway | undefined;
  #head: { readonly hash: string; readonly height: number } | undefined;
  #stage: Stage | undefined;
  #numBallots = 0;

  constructor(options: ArchiveAuditOptions, findings: ArchiveFindings) {
    this.#options = options;
    this.#findings = findings;
  }

  get stage(): Stage | undefined {
    return this.#stage;
  }

  async entry(entry: ArchiveEntry): Promise<void> {
    this.#head = { hash: entry.file.hash, height: entry.event.height };
    if (this.#underway === undefined) {
      this.#begin(entry);
      return;
    }
    const { type } = entry.event;
    if (type === 'Ballot') this.#numBallots++;
    else if (type === 'EndBallots') this.#stage = 'closed';
    else if (type === 'Result') this.#stage = 'tallied';
    if (this.#underway.setup.election === undefined) this.#passOver(type);
    else await this.#judge(entry, this.#underway);
  }

  async end(): Promise<void> {
    await this.#underway?.queue.drain();
  }

  async #judge(entry: ArchiveEntry, { board, queue, tallying }: Underway): Promise<void> {
    switch (entry.event.type) {
      case 'Setup':
        break;
      case 'Ballot':
        for (const file of entry.data) await queue.push(file);
        break;
      case 'EndBallots':
        await queue.drain();
        break;
      case 'EncryptedTally':
        tallying.encryptedTally(entry, board);
        break;
      case 'Shuffle':
      case 'EndShuffles':
        this.#findings.invalid('decryptions', `${entry.event.type}, though no question is to be shuffled`);
        break;
      case 'PartialDecryption':
        tallying.partialDecryption(entry);
        break;
      case 'Result':
        tallying.resultEvent(entry, board);
        break;
    }
  }

  /** Without an election that could be read there is nothing to go by. */
  #passOver(type: EventType): void {
    const id = CHECK_OF[type];
    if (id !== undefined && !this.#findings.hasBegun(id)) {
      this.#findings.notJudged(id, 'the election could not be read, or is of a kind that is not supported');
    }
  }

  summary(): Omit<ArchiveAudit, 'verdict' | 'checks' | 'stoppedAt'> {
    const { setup, board, tallying } = this.#underway ?? {};
    const result = tallying?.result;
    return {
      ...(this.#stage === undefined ? {} : { stage: this.#stage }),
      ...(setup?.election === undefined ? {} : { election: { ...setup.election, hash: setup.electionHash } }),
      ...(this.#head === undefined ? {} : { head: this.#head }),
      numVoters: setup?.credentials?.count ?? 0,
      numBallots: this.#numBallots,
      numCounted: board?.counted.size ?? 0,
      totalWeight: board?.totalWeight ?? 0n,
      ...(result === undefined ? {} : { result }),
    };
  }

  #begin(entry: ArchiveEntry): void {
    const { cryptography, onProgress } = this.#options;
    const findings = this.#findings;
    const setup = auditSetup(entry, cryptography, findings);
    const board = new BallotBoard(setup.credentials?.weights, findings);
    if (setup.election !== undefined) findings.begin('ballots');
    const queue = new BallotQueue(
      setup.electionText,
      this.#options.checkBallots ?? checkBallotsInline(cryptography),
      (file, verdict) => {
        board.add(file, verdict);
        onProgress?.(board.count);
      },
      { batchSize: this.#options.batchSize ?? 32, atOnce: this.#options.batchesAtOnce ?? 1 },
    );
    this.#underway = { setup, board, queue, tallying: new TallyingAudit(setup, cryptography, findings) };
    this.#stage = 'open';
  }
}
