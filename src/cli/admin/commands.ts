import * as z from 'zod';
import type { LogSource } from '../../audit/source.ts';
import type { Question } from '../../election/entries.ts';
import { MAX_ENTRY_BYTES, MAX_TIME, MAX_TRUSTEES } from '../../election/limits.ts';
import { nameSchema, proofText, questionsSchema, titleSchema } from '../../election/schemas.ts';
import { type TrusteeMessage, trusteeMessageSchema } from '../../election/trustee-messages.ts';
import { type CountWish, countRound, reportConcerns } from './counting.ts';
import type { OpenElection } from './election-folder.ts';
import { writeExport } from './export.ts';
import { nextDraft } from './next-round.ts';
import type { Emit, Live } from './reports.ts';
import { reportResults } from './report-results.ts';
import { statusOf } from './status.ts';
import {
  callTrustees,
  handIn,
  reportTrustees,
  startCeremony,
  testOwnKeys,
  warnOfFewTrustees,
} from './trustees.ts';

/** What an organiser may ask of an election, by a process that holds it or through its control socket. */
export type Command =
  | {
      readonly command: 'close' | 'results' | 'trustees' | 'trustees-call';
      readonly args: Readonly<Record<string, never>>;
    }
  | { readonly command: 'open'; readonly args: { readonly untested: boolean } }
  | { readonly command: 'trustees-invite'; readonly args: WishedCeremony }
  | {
      readonly command: 'trustees-take';
      readonly args: { readonly messages: readonly HandedIn[]; readonly reveal: boolean };
    }
  | { readonly command: 'status'; readonly args: StatusLists }
  | { readonly command: 'count'; readonly args: CountWish }
  | { readonly command: 'next-round'; readonly args: NextRound }
  | { readonly command: 'export'; readonly args: Export };

/** Which lists are shown besides. */
export interface StatusLists {
  /** Who has voted in the newest round. */
  readonly voters: boolean;
  /** Who has enrolled an own key. */
  readonly enrolled: boolean;
}

/** A key ceremony to be started; the codes of its invitations stay with who asks for it. */
export interface WishedCeremony {
  readonly threshold: number;
  readonly trustees: readonly {
    readonly name: string;
    readonly role: 'single' | 'member';
    /** The code's hash, in hex. */
    readonly invitation: string;
  }[];
}

/** What a trustee made, and the election that it is for. */
export interface HandedIn {
  readonly electionId: string;
  readonly message: TrusteeMessage;
}

export interface NextRound {
  /** Null for "Round N". */
  readonly title: string | null;
  /** What is asked, or how many answers of the last result to carry over. */
  readonly questions: readonly Question[] | { readonly carry: number };
  readonly opens: number | null;
  readonly closes: number | null;
  readonly open: boolean;
  /** Whether to open it although too few trustees have shown that they could decrypt. */
  readonly untested: boolean;
}

export interface Export {
  readonly format: 'car' | 'jsonl' | 'belenios';
  /** Absolute: the process that writes may work in another folder than the one that asks. */
  readonly path: string;
  /** Of a Belenios archive: the round, null for the newest. */
  readonly round: number | null;
  /** Whether an older file is replaced. */
  readonly force: boolean;
}

const time = z.int().min(0).max(MAX_TIME).nullable();
const nextRoundSchema = z.strictObject({
  title: titleSchema.nullable(),
  questions: z.union([questionsSchema, z.strictObject({ carry: z.int().min(1) })]),
  opens: time,
  closes: time,
  open: z.boolean(),
  untested: z.boolean(),
}) satisfies z.ZodType<NextRound>;
const exportSchema = z.strictObject({
  format: z.enum(['car', 'jsonl', 'belenios']),
  path: z.string().min(1),
  round: z.int().min(1).nullable(),
  force: z.boolean(),
}) satisfies z.ZodType<Export>;

const countSchema = z.strictObject({
  decryptions: z
    .array(
      z.strictObject({
        electionId: z.string(),
        round: z.int().min(1),
        trustee: z.int().min(1).max(MAX_TRUSTEES),
        partialDecryption: z.string().max(MAX_ENTRY_BYTES),
        proof: proofText,
      }),
    )
    .max(MAX_TRUSTEES),
  reveal: z.boolean(),
}) satisfies z.ZodType<CountWish>;

const ceremonySchema = z.strictObject({
  threshold: z.int().min(0).max(MAX_TRUSTEES),
  trustees: z
    .array(
      z.strictObject({
        name: nameSchema,
        role: z.enum(['single', 'member']),
        invitation: z.string().regex(/^[0-9a-f]{64}$/),
      }),
    )
    .min(1)
    .max(MAX_TRUSTEES),
}) satisfies z.ZodType<WishedCeremony>;

export const commandSchema = z.discriminatedUnion('command', [
  z.strictObject({
    command: z.enum(['close', 'results', 'trustees', 'trustees-call']),
    args: z.strictObject({}),
  }),
  z.strictObject({ command: z.literal('open'), args: z.strictObject({ untested: z.boolean() }) }),
  z.strictObject({ command: z.literal('trustees-invite'), args: ceremonySchema }),
  z.strictObject({
    command: z.literal('trustees-take'),
    args: z.strictObject({
      messages: z
        .array(z.strictObject({ electionId: z.string(), message: trusteeMessageSchema }))
        .max(MAX_TRUSTEES),
      reveal: z.boolean(),
    }),
  }),
  z.strictObject({
    command: z.literal('status'),
    args: z.strictObject({ voters: z.boolean(), enrolled: z.boolean() }),
  }),
  z.strictObject({ command: z.literal('count'), args: countSchema }),
  z.strictObject({ command: z.literal('next-round'), args: nextRoundSchema }),
  z.strictObject({ command: z.literal('export'), args: exportSchema }),
]) satisfies z.ZodType<Command>;

/** Whether a command adds to the log, and so needs the organiser's key. */
export function needsKey(command: Command): boolean {
  switch (command.command) {
    case 'open':
    case 'close':
    case 'count':
    case 'trustees-invite':
    case 'trustees-call':
    case 'trustees-take':
      return true;
    case 'next-round':
      return command.args.open;
    case 'results':
    case 'trustees':
    case 'status':
    case 'export':
      return false;
  }
}

export interface ExecuteHow {
  readonly emit: Emit;
  /** What the running admin process knows besides; null in any other. */
  readonly live: () => Live | null;
  /** Told how much of a long export is done. */
  readonly onProgress: (done: number) => void;
}

/** Carries a command out on an election that this process holds, and reports what came of it. */
export async function execute(election: OpenElection, command: Command, how: ExecuteHow): Promise<void> {
  const { emit } = how;
  switch (command.command) {
    case 'open':
      return openRound(election, emit, command.args);
    case 'trustees':
      return reportTrustees(election, emit);
    case 'trustees-invite':
      return startCeremony(election, command.args, emit);
    case 'trustees-call':
      return callTrustees(election, emit);
    case 'trustees-take':
      return handIn(election, command.args, emit);
    case 'close': {
      const { entry } = await election.organiser.close();
      await emit({ event: 'closed', round: entry.round });
      return countClosed(election, emit, entry.round);
    }
    case 'count': {
      const counted = await countRound(election, command.args, emit);
      return counted === undefined ? undefined : reportResults(election, emit, counted);
    }
    case 'results':
      return reportResults(election, emit);
    case 'status':
      return reportStatus(election, emit, { ...command.args, live: how.live() });
    case 'next-round': {
      election.organiser.expectReady('prepare a round');
      const { draft, tied } = nextDraft(election, command.args);
      await election.organiser.prepare(draft);
      await emit({ event: 'prepared', round: election.log.state.rounds.length + 1, draft, tied });
      return command.args.open ? openRound(election, emit, command.args) : undefined;
    }
    case 'export': {
      return writeExport(sourceOf(election), command.args, emit, how.onProgress);
    }
  }
}

/** The log as it is exported: the methods of its store, under the folder's name. */
function sourceOf({ place, log: { store } }: OpenElection): LogSource {
  return {
    name: place.data,
    entries: (from, to) => store.entries(from, to),
    checkpoints: (from) => store.checkpoints(from),
    latestCheckpoint: () => store.latestCheckpoint(),
  };
}

async function openRound(
  election: OpenElection,
  emit: Emit,
  { untested }: { readonly untested: boolean },
): Promise<void> {
  const { organiser } = election;
  await reportConcerns(election, emit);
  await testOwnKeys(election);
  const { round, title, time: opened, closes } = (await organiser.open({ untested })).entry;
  await warnOfFewTrustees(election, emit);
  await emit({ event: 'opened', round, title, opened, closes });
}

/**
 * What follows the close of a round: its result, where that is in the log; of a sealed round the count, as far as the organiser holds
 * trustees' keys.
 */
export async function countClosed(election: OpenElection, emit: Emit, round: number): Promise<void> {
  const { log } = election;
  if (log.genesis.policy.secrecy === 'open' || log.state.phase !== 'counting')
    return reportResults(election, emit, round);
  const counted = await countRound(election, { decryptions: [], reveal: false }, emit).catch(
    (error: unknown) => {
      // A running program counts as soon as a round closes, and may have done it meanwhile.
      if (log.state.rounds[round - 1]?.result !== undefined) return round;
      throw error;
    },
  );
  if (counted !== undefined) return reportResults(election, emit, counted);
  await warnOfFewTrustees(election, emit);
}

async function reportStatus(
  election: OpenElection,
  emit: Emit,
  { voters, enrolled, live }: StatusLists & { readonly live: Live | null },
): Promise<void> {
  const { organiser } = election;
  await emit(await statusOf(election, live));
  if (enrolled) for await (const voter of organiser.enrolled()) await emit({ event: 'enrolled', voter });
  if (!voters) return;
  for await (const voter of organiser.voted()) await emit({ event: 'voted', voter });
}
