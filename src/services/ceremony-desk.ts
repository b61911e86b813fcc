import { equalBytes } from '../base/bytes.ts';
import { refused } from '../base/errors.ts';
import { type Result, err, ok } from '../base/result.ts';
import { type Fault, fault } from '../belenios/v1/ceremony/fault.ts';
import { type CeremonyRecord, recordOf } from '../belenios/v1/ceremony/record.ts';
import { normaliseSecret } from '../crypto/credential.ts';
import { invitationHash } from '../crypto/invitation.ts';
import { type CeremonyStart, type CeremonyStep, type EntryContent, SEALING } from '../election/entries.ts';
import { type CeremonyState, startProblems } from '../election/trustee-steps.ts';
import type { ElectionLog } from './election-log.ts';
import type { GivenStep } from '../election/trustee-messages.ts';

/** Where somebody who is invited to be a trustee stands. */
export interface InvitedStanding {
  /** From 1. */
  readonly trustee: number;
  readonly name: string;
  readonly role: 'single' | 'member';
  /** What the organiser waits for: the trustee's next step, nobody's in particular (`others`), or nothing more. */
  readonly next: 'key' | 'certificate' | 'polynomial' | 'share' | 'others' | 'nothing';
}

/** A key ceremony at a glance, as JSON carries it. */
export interface CeremonyStanding {
  readonly threshold: number;
  readonly members: number;
  readonly invited: readonly InvitedStanding[];
  readonly done: boolean;
  /** Why it has to begin anew, and by whose fault. */
  readonly ended: { readonly reason: string; readonly accused: readonly number[] } | null;
}

/** What came of a step: it is in the log, was there before, or the trustees are made with it. */
export type StepTaken = 'taken' | 'known' | 'complete' | 'ended';

/**
 * Takes trustees' steps of a key ceremony into the log, each judged before. With the last step come the trustees, and a call that asks them
 * at once to show that they can use what they made.
 */
export class CeremonyDesk {
  readonly #log: ElectionLog;
  #record: { readonly record: CeremonyRecord; readonly steps: number } | undefined;

  constructor(log: ElectionLog) {
    this.#log = log;
  }

  /**
   * Begins a ceremony; one that was under way, or trustees from before, are given up. Throws `bad-ceremony` for a threshold or trustees that
   * can't be, `too-late` once a round was opened, and `not-allowed` where ballots are open.
   */
  async start(wish: Pick<CeremonyStart, 'threshold' | 'trustees'>): Promise<void> {
    const [problem] = startProblems(wish);
    if (problem !== undefined)
      throw refused('bad-ceremony', `The key ceremony can't be like that: ${problem}.`, {
        hint: 'Name each trustee once, and a threshold from 1 to the number of members of the group, 20 at most.',
      });
    const { threshold, trustees } = wish;
    await this.#log.append(() => {
      if (this.#log.state.rounds.length > 0)
        throw refused(
          'too-late',
          'A round was opened already: its ballots are sealed for the trustees that there are.',
          {
            hint: 'Other trustees need another election: "admin init".',
          },
        );
      return { contents: [{ kind: 'ceremony', step: { kind: 'start', threshold, trustees } }] };
    });
  }

  /** Takes a step; the fault says what is wrong with it. The same step again is `known`. Throws what the log throws. */
  async take({ ceremony, step, invitation }: GivenStep): Promise<Result<StepTaken, Fault>> {
    let taken: Result<StepTaken, Fault> = ok('known');
    await this.#log.append(() => {
      const state = this.#log.state.ceremony;
      taken = this.#judge(state, { ceremony, step, invitation });
      if (!taken.ok || taken.value === 'known') return { contents: [] };
      const contents: EntryContent[] = [{ kind: 'ceremony', step }];
      const trustees = this.#record?.record.trustees;
      if (trustees !== undefined)
        contents.push({ kind: 'trustees', protocol: SEALING, trustees }, { kind: 'call' });
      return { contents };
    });
    return taken;
  }

  /** Undefined where no ceremony was begun. */
  standing(): CeremonyStanding | undefined {
    const state = this.#log.state.ceremony;
    if (state === undefined) return undefined;
    const record = this.#recordOf(state);
    return {
      threshold: state.threshold,
      members: state.trustees.filter(({ role }) => role === 'member').length,
      invited: state.trustees.map(({ name, role }, at) => ({
        trustee: at + 1,
        name,
        role,
        next: record.isDone(at + 1) ? 'nothing' : (record.due(at + 1) ?? 'others'),
      })),
      done: state.done,
      ended: faultOf(record.ended ?? record.weak),
    };
  }

  #judge(state: CeremonyState | undefined, given: GivenStep): Result<StepTaken, Fault> {
    const { step } = given;
    const refuse = (offence: Fault['offence'], reason: string): Result<never, Fault> =>
      fault(offence, [], 'delivery', reason, [step.text]);
    if (state === undefined || state.cid.toString() !== given.ceremony)
      return refuse('other-certificates', 'it is a step of another ceremony than the newest');
    const invited = state.trustees[step.trustee - 1];
    if (invited === undefined) return refuse('wrong-place', 'there is no such trustee');
    const same = state.steps.find(({ kind, trustee }) => kind === step.kind && trustee === step.trustee);
    if (same?.text === step.text) return ok('known');
    if (state.done) return refuse('out-of-order', 'the ceremony is done');
    if ((invited.role === 'single') !== (step.kind === 'key'))
      return refuse('malformed', `a ${step.kind} is no step of a trustee who is invited as ${invited.role}`);
    const isFirst = step.kind === 'key' || step.kind === 'certificate';
    if (isFirst && !isCodeOf(given.invitation, invited.invitation))
      return refuse('bad-signature', 'the invitation code is not the one that this trustee was given');
    const record = this.#recordOf(state);
    if (same !== undefined && isFirst)
      return refuse('second-message', 'somebody used this invitation before, with another key');
    const taken = record.take(step);
    if (!taken.ok) return taken;
    this.#record = { record, steps: state.steps.length + 1 };
    if (record.ended !== undefined) return ok('ended');
    return ok(record.trustees === undefined ? 'taken' : 'complete');
  }

  /** Made anew where the log has other steps than those that were taken: another ceremony, or a step that never got to the disk. */
  #recordOf(state: CeremonyState): CeremonyRecord {
    const ceremony = state.cid.toString();
    if (this.#record?.record.ceremony === ceremony && this.#record.steps === state.steps.length)
      return this.#record.record;
    const { record, fault: found } = recordOf({ ...state, ceremony }, state.steps);
    if (found !== undefined)
      throw refused(
        'store-damaged',
        `The log holds a step of the key ceremony that is not sound: ${found.reason}.`,
      );
    this.#record = { record, steps: state.steps.length };
    return record;
  }
}

function faultOf(found: Fault | undefined): CeremonyStanding['ended'] {
  return found === undefined ? null : { reason: found.reason, accused: found.accused };
}

function isCodeOf(typed: string | null, hash: Uint8Array): boolean {
  const code = typed === null ? err('none') : normaliseSecret(typed);
  return code.ok && equalBytes(invitationHash(code.value), hash);
}

/** What a `CeremonyStep` is called when people are told of it. */
export const STEP_NAMES: Readonly<Record<CeremonyStep['kind'], string>> = {
  key: 'key',
  certificate: 'certificate (step 1 of 3)',
  polynomial: 'polynomial (step 2 of 3)',
  share: 'share (step 3 of 3)',
  complaint: 'complaint',
};
