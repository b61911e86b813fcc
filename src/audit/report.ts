import type { CeremonyRecord } from '../belenios/v1/ceremony/record.ts';
import type { SealedRound, SoundTrustees } from '../belenios/v1/sealed-round.ts';
import type { Policy, RoundEntry, TallyEntry } from '../election/entries.ts';
import type { CallState } from '../election/trustee-steps.ts';
import type { RoundResult } from '../tally/tally.ts';

/** Everything an audit checks, in the order in which reports show it. */
export const CHECKS = [
  { id: 'format', title: 'Every entry can be read, in its one valid form' },
  { id: 'chain', title: 'Every entry is chained to the one before it' },
  { id: 'identity', title: 'It is the election that was expected' },
  { id: 'root', title: 'The newest checkpoint is signed and covers exactly this log' },
  { id: 'checkpoints', title: 'Every stored checkpoint is signed and matches the log' },
  { id: 'history', title: 'The log continues every checkpoint known from before' },
  { id: 'word', title: 'The authority kept its word, as far as there is evidence' },
  { id: 'roll', title: 'The roll is sound: acceptable keys, nobody twice' },
  { id: 'registrar', title: 'The roll is exactly what its registrar signed' },
  {
    id: 'enrolments',
    title: "Voters' own keys are sound, each signed by the key on the roll that it replaces",
  },
  { id: 'trustees', title: "The trustees' keys are sound, each with proof that its secret is known" },
  {
    id: 'ceremony',
    title: 'The trustees are those that the key ceremony made, every step of it signed and sound',
  },
  { id: 'readiness', title: 'Every proof that a trustee could decrypt holds, for the call that it answers' },
  { id: 'rounds', title: 'Rounds open, close and end in the allowed order' },
  { id: 'eligibility', title: 'Every ballot is by a voter on the roll' },
  { id: 'signatures', title: "Every ballot bears its voter's signature" },
  { id: 'window', title: 'Every ballot is for its round and was cast while it was open' },
  { id: 'revote', title: 'Nobody voted more often than the policy allows' },
  { id: 'votes', title: 'Every ballot is a valid vote on the questions' },
  { id: 'decryptions', title: "Every decryption is proved to be its trustee's, of this round" },
  { id: 'tally', title: 'The published results are what the ballots give' },
] as const;

export type CheckId = (typeof CHECKS)[number]['id'];

/** `not-applicable`: there was nothing to check. `not-judged`: something before it is broken, so nobody can tell. */
export type CheckVerdict = 'valid' | 'invalid' | 'not-applicable' | 'not-judged';

/** One thing that is wrong, and where. */
export interface Finding {
  readonly check: CheckId;
  /** The entry that is at fault, by its position in the log. */
  readonly seq?: number;
  /** The checkpoint that is at fault, by its size. */
  readonly checkpointSize?: number;
  readonly message: string;
}

export interface CheckReport {
  readonly id: CheckId;
  readonly title: string;
  readonly verdict: CheckVerdict;
  /** Why a verdict is neither valid nor invalid. */
  readonly note?: string;
  /** The first findings, at most `MAX_FINDINGS`. */
  readonly findings: readonly Finding[];
  /** How many findings there were in all. */
  readonly count: number;
}

export interface AuditedElection {
  readonly id: string;
  readonly title: string;
  readonly authority: Uint8Array;
  readonly fingerprint: string;
  readonly policy: Policy;
  /** Who made the voters' secrets, where the log names somebody. */
  readonly registrar?: { readonly key: Uint8Array; readonly fingerprint: string };
}

export interface AuditedRound {
  readonly round: RoundEntry;
  /**
   * Recomputed from the ballots; so far, where the round is not closed. Of sealed ballots there is the turnout, and no question before
   * they were decrypted.
   */
  readonly result: RoundResult;
  /** Of a round with sealed ballots. */
  readonly sealed?: {
    readonly round: SealedRound;
    /** The sum of the ballots, where the log has it and it is right. */
    readonly tally?: TallyEntry;
    /** The numbers of the trustees who have decrypted it. */
    readonly given: ReadonlySet<number>;
    /** How many voters of each weight have a ballot in the sum. */
    readonly weights: ReadonlyMap<number, number>;
  };
  readonly closed: boolean;
  /** Whether the log holds a result entry of the round, which is compared with `result`. */
  readonly published: boolean;
}

export interface AuditReport {
  readonly source: string;
  readonly verdict: 'valid' | 'invalid';
  readonly checks: readonly CheckReport[];
  /** What is wrong first, in the order of the log; undefined when all is well. */
  readonly first: Finding | undefined;
  /** Undefined when the log's first entry is no genesis. */
  readonly election: AuditedElection | undefined;
  /** Entries read. */
  readonly size: number;
  /** CID of the last entry; null for an empty log. */
  readonly head: string | null;
  /** The newest checkpoint, where it is signed by the authority. */
  readonly checkpoint:
    { readonly text: string; readonly size: number; readonly root: Uint8Array } | undefined;
  /** Voters who put an own key in the place of the one on the roll. */
  readonly enrolled: number;
  /** In a sealed election, where they are sound. */
  readonly trustees?: SoundTrustees;
  /** The newest key ceremony, as far as it came, and the bytes of the CID of its start. */
  readonly ceremony?: { readonly record: CeremonyRecord; readonly cid: Uint8Array };
  /** The newest call to the trustees, with its answers. */
  readonly call?: CallState;
  /** Not complete when `rounds` is not judged. */
  readonly rounds: readonly AuditedRound[];
  /** Of the trackers that were looked for: where in the log a ballot has one of them. Ballots that are not valid are not among these. */
  readonly cast: ReadonlyMap<string, number>;
}

/** What evidence against the authority came to, beside the log. */
export interface EvidenceOutcome {
  /**
   * `proven` that the authority broke its word; `kept`, since the log has what is said to be missing; `open`, since nothing that is at hand can
   * tell.
   */
  readonly verdict: 'proven' | 'kept' | 'open';
  /** One sentence or two, for people. */
  readonly message: string;
}

/**
 * The report of an audit after which evidence was judged. A log whose authority is proven to have broken its word is not valid, and that is what is
 * wrong first: what such an authority signs is worth nothing.
 */
export function withOutcome(report: AuditReport, { verdict, message }: EvidenceOutcome): AuditReport {
  const change = (of: CheckReport): Partial<CheckReport> => {
    if (verdict === 'proven') {
      const finding: Finding = { check: 'word', message };
      return { verdict: 'invalid', findings: [...of.findings, finding], count: of.count + 1 };
    }
    if (of.verdict === 'invalid' || of.verdict === 'not-judged') return {};
    return verdict === 'kept' ? { verdict: 'valid' } : { verdict: 'not-judged', note: message };
  };
  const checks = report.checks.map((check) => {
    if (check.id !== 'word') return check;
    const changed = { ...check, ...change(check) };
    const { note, ...withoutNote } = changed;
    return changed.verdict === 'not-judged' && note !== undefined ? { ...withoutNote, note } : withoutNote;
  });
  return verdict === 'proven'
    ? { ...report, checks, verdict: 'invalid', first: { check: 'word', message } }
    : { ...report, checks };
}

/** Findings kept of one check: a log with everything wrong must not fill the memory. */
export const MAX_FINDINGS = 20;

/** Collects what is found, in the order of the log. */
export class Findings {
  readonly #kept = new Map<CheckId, Finding[]>();
  readonly #counts = new Map<CheckId, number>();
  readonly #notes = new Map<CheckId, { verdict: 'not-applicable' | 'not-judged'; note: string }>();
  #first: Finding | undefined;

  get first(): Finding | undefined {
    return this.#first;
  }

  add(finding: Finding): void {
    this.#first ??= finding;
    this.#counts.set(finding.check, (this.#counts.get(finding.check) ?? 0) + 1);
    const kept = this.#kept.get(finding.check) ?? [];
    if (kept.length < MAX_FINDINGS) this.#kept.set(finding.check, [...kept, finding]);
  }

  /** Says why checks can't be `valid`; a check with findings is `invalid` all the same. The first note of a check stays. */
  excuse(checks: readonly CheckId[], verdict: 'not-applicable' | 'not-judged', note: string): void {
    for (const check of checks) if (!this.#notes.has(check)) this.#notes.set(check, { verdict, note });
  }

  verdict(): 'valid' | 'invalid' {
    return this.#first === undefined ? 'valid' : 'invalid';
  }

  checks(): CheckReport[] {
    return CHECKS.map(({ id, title }) => {
      const findings = this.#kept.get(id) ?? [];
      const count = this.#counts.get(id) ?? 0;
      if (count > 0) return { id, title, verdict: 'invalid', findings, count };
      return { id, title, findings, count, ...(this.#notes.get(id) ?? { verdict: 'valid' }) };
    });
  }
}

/** A finding in words, beginning with the place. */
export function describeFinding(finding: Finding): string {
  if (finding.seq !== undefined) return `entry ${finding.seq}: ${finding.message}`;
  if (finding.checkpointSize !== undefined) {
    return `checkpoint of ${finding.checkpointSize} entries: ${finding.message}`;
  }
  return finding.message;
}
