import type { CID } from 'multiformats/cid';
import type {
  CallEntry,
  CeremonyEntry,
  CeremonyStart,
  CeremonyStep,
  InvitedTrustee,
  ReadinessEntry,
} from './entries.ts';
import { MAX_MEMBERS } from './limits.ts';

/** A key ceremony as far as it came. */
export interface CeremonyState {
  /** CID of the entry that started it. */
  readonly cid: CID;
  readonly threshold: number;
  readonly trustees: readonly InvitedTrustee[];
  /** In the order of the log. */
  readonly steps: readonly CeremonyStep[];
  /** Whether its trustees are in the log. */
  readonly done: boolean;
}

/** A call to the trustees, with its answers so far. */
export interface CallState {
  readonly entry: CallEntry;
  readonly cid: CID;
  readonly answers: readonly ReadinessEntry[];
}

/** Every reason why a ceremony's entry may not come next, as far as its shape shows: what its text says is judged by the sealing protocol. */
export function ceremonyProblems({ step }: CeremonyEntry, before: CeremonyState | undefined): string[] {
  if (step.kind === 'start') return startProblems(step);
  const invited = before?.trustees[step.trustee - 1];
  if (before === undefined || invited === undefined)
    return [`a step by trustee ${step.trustee}, who was not invited`];
  if (before.done) return ['a step of a ceremony that is done'];
  if (before.steps.some(({ kind }) => kind === 'complaint'))
    return ['a step of a ceremony that a complaint ended'];
  if ((invited.role === 'single') !== (step.kind === 'key'))
    return [`a ${step.kind} by trustee ${step.trustee}, who is invited as ${invited.role}`];
  return before.steps.some((one) => one.kind === step.kind && one.trustee === step.trustee)
    ? [`a second ${step.kind} by trustee ${step.trustee}`]
    : [];
}

/** Every reason why a ceremony can't be for these trustees and this threshold. */
export function startProblems({
  threshold,
  trustees,
}: Pick<CeremonyStart, 'threshold' | 'trustees'>): string[] {
  const members = trustees.filter(({ role }) => role === 'member').length;
  const problems: string[] = [];
  if (members > MAX_MEMBERS)
    problems.push(`${members} members of a group, where ${MAX_MEMBERS} are possible`);
  if (members === 0 ? threshold !== 0 : threshold < 1 || threshold > members)
    problems.push(`a threshold of ${threshold} of ${members} members`);
  if (trustees.some(({ role }, index) => role === 'single' && trustees[index - 1]?.role === 'member'))
    problems.push('a single trustee after members of the group');
  if (new Set(trustees.map(({ name }) => name)).size !== trustees.length)
    problems.push('two trustees of one name');
  return problems;
}

/** The ceremony after an entry in which `ceremonyProblems` found nothing. */
export function ceremonyAfter(
  { step }: CeremonyEntry,
  cid: CID,
  before: CeremonyState | undefined,
): CeremonyState | undefined {
  if (step.kind === 'start')
    return { cid, threshold: step.threshold, trustees: step.trustees, steps: [], done: false };
  return before && { ...before, steps: [...before.steps, step] };
}

/** Every reason why a readiness entry may not come next, its proof apart. */
export function readinessProblems(entry: ReadinessEntry, call: CallState | undefined): string[] {
  if (call === undefined || !entry.call.equals(call.cid))
    return ['an answer to another call than the newest'];
  return call.answers.some(({ trustee }) => trustee === entry.trustee)
    ? [`a second answer by trustee ${entry.trustee} to one call`]
    : [];
}
