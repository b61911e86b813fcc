import type { ArchiveProblem } from '../archive/reader.ts';
import type { Election, Result as ElectionResult } from '../messages.ts';

/** What an archive is checked for, in the order of the report. */
export const CHECK_IDS = [
  'archive',
  'election',
  'trustees',
  'credentials',
  'ballots',
  'tally',
  'decryptions',
  'result',
] as const;

export type ArchiveCheckId = (typeof CHECK_IDS)[number];

/**
 * `absent`: the archive is of a stage that has nothing to check here yet. `not-judged`: it could not be looked at, for the
 * reason given; an archive with such a check is not valid.
 */
export type ArchiveCheckVerdict = 'valid' | 'invalid' | 'absent' | 'not-judged';

export interface ArchiveCheck {
  readonly id: ArchiveCheckId;
  readonly verdict: ArchiveCheckVerdict;
  /** Why it is not valid: the first reasons, at most `MOST_REASONS`. Empty for `valid` and `absent`. */
  readonly reasons: readonly string[];
  /** How many reasons there are. */
  readonly count: number;
}

export const MOST_REASONS = 20;

/** `open` until EndBallots, `closed` until there is a result. */
export type Stage = 'open' | 'closed' | 'tallied';

export interface ArchiveAudit {
  /** `valid` only when no check is `invalid` or `not-judged`. */
  readonly verdict: 'valid' | 'invalid';
  readonly checks: readonly ArchiveCheck[];
  /** Where the reader of the archive stopped; what comes after is not in this report. */
  readonly stoppedAt?: ArchiveProblem;
  /** Undefined when there is no Setup. */
  readonly stage?: Stage;
  readonly election?: Election & {
    /** φ: the compact Base64 SHA-256 of the election's text. */
    readonly hash: string;
  };
  /** The last event that was read. */
  readonly head?: { readonly hash: string; readonly height: number };
  /** Length of the list of public credentials. */
  readonly numVoters: number;
  /** Ballot events, ballots that were replaced later included. */
  readonly numBallots: number;
  /** Ballots that count: the last one of each credential. */
  readonly numCounted: number;
  readonly totalWeight: bigint;
  /** What the archive says, only when that is valid. Weighted votes per question and cell, the blank cell first. */
  readonly result?: ElectionResult;
}

/** Gathers what is wrong. A check that nobody began is absent. */
export class ArchiveFindings {
  readonly #checks = new Map<ArchiveCheckId, { invalid: boolean; reasons: string[]; count: number }>();

  /** From now on the check is valid unless something is found. */
  begin(id: ArchiveCheckId): void {
    this.#of(id);
  }

  invalid(id: ArchiveCheckId, reason: string): void {
    this.#of(id).invalid = true;
    this.#add(id, reason);
  }

  notJudged(id: ArchiveCheckId, reason: string): void {
    this.#add(id, reason);
  }

  hasBegun(id: ArchiveCheckId): boolean {
    return this.#checks.has(id);
  }

  /** Nothing was found, and it was begun. */
  isValid(id: ArchiveCheckId): boolean {
    return this.#checks.get(id)?.count === 0;
  }

  checks(): readonly ArchiveCheck[] {
    return CHECK_IDS.map((id) => {
      const found = this.#checks.get(id);
      if (found === undefined) return { id, verdict: 'absent', reasons: [], count: 0 };
      const { invalid, reasons, count } = found;
      return { id, verdict: invalid ? 'invalid' : count > 0 ? 'not-judged' : 'valid', reasons, count };
    });
  }

  #add(id: ArchiveCheckId, reason: string): void {
    const found = this.#of(id);
    found.count++;
    if (found.reasons.length < MOST_REASONS) found.reasons.push(reason);
  }

  #of(id: ArchiveCheckId): { invalid: boolean; reasons: string[]; count: number } {
    const found = this.#checks.get(id) ?? { invalid: false, reasons: [], count: 0 };
    this.#checks.set(id, found);
    return found;
  }
}
