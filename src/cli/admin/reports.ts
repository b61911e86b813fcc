import * as z from 'zod';
import { MAX_TIME } from '../../election/limits.ts';
import { policySchema, questionsSchema } from '../../election/schemas.ts';
import type { Turnout } from '../../election/entries.ts';
import type { Concern } from '../../election/small-groups.ts';
import type { ReachFinding } from '../../net/index.ts';
import type { CheckCounts } from '../../services/ballot-checks.ts';
import type { CeremonyStanding, InvitedStanding } from '../../services/ceremony-desk.ts';
import type { ElectionStatus, TrusteeStanding } from '../../services/organiser.ts';
import type { DraftRound } from '../../services/ports.ts';
import type { Readiness } from '../../services/trustee-calls.ts';

/**
 * What the commands report, as JSON: with `--json` it is printed as it is, and it is what a running admin process sends
 * to the one that asks it. Times are ms since 1970.
 */
export type Report =
  | {
      readonly event: 'status';
      readonly status: ElectionStatus;
      /** Of each round. */
      readonly checks: readonly RoundChecks[];
      /** What shows that this election's key signed something that is not in this log: files, relative to the data folder. */
      readonly alarms: readonly string[];
      readonly running: Live | null;
    }
  | { readonly event: 'voted'; readonly voter: string }
  | { readonly event: 'enrolled'; readonly voter: string }
  | {
      readonly event: 'opened';
      readonly round: number;
      readonly title: string;
      readonly opened: number;
      readonly closes: number | null;
    }
  | { readonly event: 'closed'; readonly round: number }
  | {
      readonly event: 'prepared';
      readonly round: number;
      readonly draft: DraftRound;
      /** Answers carried over that tie at the cut, so that more than asked for were kept; empty where none did. */
      readonly tied: readonly string[];
    }
  /** Of a sealed round that is closed: who has decrypted, what could not be used, and whose decryptions are missing. */
  | {
      readonly event: 'counted';
      readonly round: number;
      readonly trustees: readonly TrusteeStanding[];
      readonly invalid: readonly { readonly trustee: number; readonly reason: string }[];
      /** In words; null once the result is in the log. */
      readonly missing: string | null;
    }
  /** Who is or will be trustee, and how ready they are. */
  | ({ readonly event: 'trustees' } & TrusteesStanding)
  /** A key ceremony was begun. */
  | { readonly event: 'ceremony-started'; readonly ceremony: CeremonyStanding }
  /** What was handed in by file. */
  | {
      readonly event: 'handed-in';
      readonly what: 'step' | 'readiness' | 'decryption';
      readonly trustee: number;
      /** Why it was refused; null where it was taken. */
      readonly refused: string | null;
    }
  /** What the result of a sealed round reveals whatever is voted. */
  | { readonly event: 'concerns'; readonly concerns: readonly Concern[] }
  /** `files` are relative to the data folder. */
  | { readonly event: 'result'; readonly result: ResultDocument; readonly files: readonly string[] }
  | {
      readonly event: 'exported';
      readonly format: 'car' | 'jsonl' | 'belenios';
      readonly file: string;
      /** Of the log as it was exported. */
      readonly entries: number;
      /** The round in a Belenios archive; null for the whole log. */
      readonly round: number | null;
    };

export type TrusteesStanding = Pick<ElectionStatus, 'trustees' | 'ceremony' | 'readiness'>;

export type Emit = (report: Report) => Promise<void>;

/** How often voters' programs said that they found their ballot of a round, or did not. Nothing shows that these were voters' programs. */
export interface RoundChecks extends CheckCounts {
  readonly round: number;
}

/** An observer that made itself known lately. */
export interface ObserverStanding {
  readonly peerId: string;
  readonly address: string;
  /** Entries of the largest checkpoint that it cosigned, and when, as it says. */
  readonly size: number;
  readonly time: number;
}

/** What only a running admin process knows. */
export interface Live {
  readonly addresses: readonly string[];
  readonly invite: string;
  /** Ballots and enrolments refused since the process started, by wire code. */
  readonly refused: Readonly<Record<string, number>>;
  readonly observers: readonly ObserverStanding[];
  /** What others found who were asked to dial this computer; empty where nobody could be asked. */
  readonly reach: readonly ReachFinding[];
}

/** A round's result with all that is needed to check it, as `results/round-N.json` has it. */
export interface ResultDocument {
  readonly title: string;
  readonly electionId: string;
  readonly fingerprint: string;
  readonly round: number;
  readonly roundTitle: string;
  readonly opened: number;
  readonly closed: number;
  readonly closedBy: 'organiser' | 'schedule';
  readonly turnout: Turnout;
  /** As far as this computer was told when the result was written. */
  readonly checks: CheckCounts;
  readonly questions: readonly QuestionOutcome[];
  readonly log: {
    /** Entries up to the result's, which the checkpoint covers. */
    readonly size: number;
    /** CID of the result entry. */
    readonly head: string;
    readonly checkpoint: string;
  };
}

export interface QuestionOutcome {
  readonly question: string;
  readonly min: number;
  readonly max: number;
  readonly blankAllowed: boolean;
  readonly answers: readonly { readonly answer: string; readonly votes: number; readonly winner: boolean }[];
  readonly blank: number;
  /** `tie`: several answers share the most votes. `no-votes`: nobody chose any. */
  readonly outcome: 'winner' | 'tie' | 'no-votes';
  readonly winners: readonly string[];
}

const count = z.int().min(0);
const time = z.int().min(0).max(MAX_TIME);

const draftSchema = z.strictObject({
  title: z.string(),
  questions: questionsSchema,
  opens: time.nullable(),
  closes: time.nullable(),
}) satisfies z.ZodType<DraftRound>;

const trusteeSchema = z.strictObject({
  trustee: count,
  name: z.string().nullable(),
  fingerprint: z.string(),
  given: z.boolean(),
}) satisfies z.ZodType<TrusteeStanding>;

const ceremonySchema = z.strictObject({
  threshold: count,
  members: count,
  invited: z.array(
    z.strictObject({
      trustee: count,
      name: z.string(),
      role: z.enum(['single', 'member']),
      next: z.enum(['key', 'certificate', 'polynomial', 'share', 'others', 'nothing']),
    }) satisfies z.ZodType<InvitedStanding>,
  ),
  done: z.boolean(),
  ended: z.strictObject({ reason: z.string(), accused: z.array(count) }).nullable(),
}) satisfies z.ZodType<CeremonyStanding>;

const readinessSchema = z.strictObject({
  enough: z.boolean(),
  spare: z.int(),
  absent: z.array(count),
  called: time.nullable(),
  ready: z.array(count),
}) satisfies z.ZodType<Readiness>;

const trusteesFields = {
  trustees: z.array(trusteeSchema).nullable(),
  ceremony: ceremonySchema.nullable(),
  readiness: readinessSchema.nullable(),
};

const electionStatusSchema = z.strictObject({
  electionId: z.string(),
  fingerprint: z.string(),
  title: z.string(),
  description: z.string(),
  policy: policySchema,
  phase: z.enum(['empty', 'enrolling', 'ready', 'open', 'counting']),
  roll: z.strictObject({ voters: count, weight: count }),
  enrolled: count,
  round: z
    .strictObject({
      round: count,
      title: z.string(),
      opened: time,
      closes: time.nullable(),
      turnout: z.strictObject({ voters: count, voted: count, ballots: count }),
    })
    .nullable(),
  draft: draftSchema.nullable(),
  ...trusteesFields,
  entries: count,
  checkpoint: z.string(),
}) satisfies z.ZodType<ElectionStatus>;

const checksFields = { found: count, missing: count };

const liveSchema = z.strictObject({
  addresses: z.array(z.string()),
  invite: z.string(),
  refused: z.record(z.string(), count),
  observers: z.array(z.strictObject({ peerId: z.string(), address: z.string(), size: count, time: count })),
  reach: z.array(
    z.strictObject({
      helper: z.string(),
      family: z.enum(['ip6', 'ip4']),
      address: z.string(),
      reached: z.boolean().nullable(),
    }),
  ),
}) satisfies z.ZodType<Live>;

const resultDocumentSchema = z.strictObject({
  title: z.string(),
  electionId: z.string(),
  fingerprint: z.string(),
  round: count,
  roundTitle: z.string(),
  opened: time,
  closed: time,
  closedBy: z.enum(['organiser', 'schedule']),
  turnout: z.strictObject({ voters: count, weight: count, voted: count, votedWeight: count, ballots: count }),
  checks: z.strictObject(checksFields),
  questions: z.array(
    z.strictObject({
      question: z.string(),
      min: count,
      max: count,
      blankAllowed: z.boolean(),
      answers: z.array(z.strictObject({ answer: z.string(), votes: count, winner: z.boolean() })),
      blank: count,
      outcome: z.enum(['winner', 'tie', 'no-votes']),
      winners: z.array(z.string()),
    }),
  ),
  log: z.strictObject({ size: count, head: z.string(), checkpoint: z.string() }),
}) satisfies z.ZodType<ResultDocument>;

export const reportSchema = z.discriminatedUnion('event', [
  z.strictObject({
    event: z.literal('status'),
    status: electionStatusSchema,
    checks: z.array(z.strictObject({ round: count, ...checksFields }) satisfies z.ZodType<RoundChecks>),
    alarms: z.array(z.string()),
    running: liveSchema.nullable(),
  }),
  z.strictObject({ event: z.literal('voted'), voter: z.string() }),
  z.strictObject({ event: z.literal('enrolled'), voter: z.string() }),
  z.strictObject({
    event: z.literal('opened'),
    round: count,
    title: z.string(),
    opened: time,
    closes: time.nullable(),
  }),
  z.strictObject({ event: z.literal('closed'), round: count }),
  z.strictObject({
    event: z.literal('counted'),
    round: count,
    trustees: z.array(trusteeSchema),
    invalid: z.array(z.strictObject({ trustee: count, reason: z.string() })),
    missing: z.string().nullable(),
  }),
  z.strictObject({ event: z.literal('trustees'), ...trusteesFields }),
  z.strictObject({ event: z.literal('ceremony-started'), ceremony: ceremonySchema }),
  z.strictObject({
    event: z.literal('handed-in'),
    what: z.enum(['step', 'readiness', 'decryption']),
    trustee: count,
    refused: z.string().nullable(),
  }),
  z.strictObject({
    event: z.literal('concerns'),
    concerns: z.array(
      z.strictObject({ kind: z.enum(['few-voters', 'rare-weight', 'no-choice']), message: z.string() }),
    ),
  }),
  z.strictObject({
    event: z.literal('prepared'),
    round: count,
    draft: draftSchema,
    tied: z.array(z.string()),
  }),
  z.strictObject({ event: z.literal('result'), result: resultDocumentSchema, files: z.array(z.string()) }),
  z.strictObject({
    event: z.literal('exported'),
    format: z.enum(['car', 'jsonl', 'belenios']),
    file: z.string(),
    entries: count,
    round: count.nullable(),
  }),
]) satisfies z.ZodType<Report>;
