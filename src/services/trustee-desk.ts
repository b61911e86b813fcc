import { PsephosError } from '../base/errors.ts';
import type { Fault } from '../belenios/v1/ceremony/fault.ts';
import { type CeremonyDesk, STEP_NAMES } from './ceremony-desk.ts';
import type { ElectionLog } from './election-log.ts';
import type { EventListener } from './events.ts';
import type { Organiser } from './organiser.ts';
import { PeerRefusal, type WireCode } from './ports.ts';
import { standstill } from './standstill.ts';
import type { TrusteeCalls } from './trustee-calls.ts';
import type { GivenStep, TrusteeMessage } from '../election/trustee-messages.ts';

const BUSY_RETRY_MS = 1000;
/** Messages under way at once: more than all trustees send, and few enough that none of them waits long. */
const MAX_WAITING = 128;
/** Failures of the organiser's actions that mean that nothing waits for what was handed in. */
const TOO_LATE = new Set(['no-trustees', 'nothing-to-count', 'not-allowed']);
const REVEALING = new Set(['small-group']);

/** Takes in what trustees hand in, over the network or by file. */
export class TrusteeDesk {
  readonly #log: ElectionLog;
  readonly #organiser: Organiser;
  readonly #onEvent: EventListener;
  readonly #ceremony: CeremonyDesk;
  readonly #calls: TrusteeCalls;
  #waiting = 0;

  constructor(log: ElectionLog, organiser: Organiser, onEvent: EventListener) {
    this.#log = log;
    this.#organiser = organiser;
    this.#onEvent = onEvent;
    this.#ceremony = organiser.ceremony;
    this.#calls = organiser.calls;
  }

  /**
   * Resolves when the message, if it is valid, is in the log; the same message again is taken again. Throws `PeerRefusal`: `bad-proof` with what is
   * wrong with it, `too-late` for one that nothing waits for, `small-group` for a decryption whose result the election's policy refuses to reveal (but with
   * `reveal`), `busy` while the disk can't be written.
   */
  async handIn(
    message: TrusteeMessage,
    { reveal = false }: { readonly reveal?: boolean } = {},
  ): Promise<void> {
    if (this.#waiting >= MAX_WAITING)
      throw new PeerRefusal('busy', 'Many messages of trustees are arriving at once.', BUSY_RETRY_MS);
    this.#waiting++;
    try {
      switch (message.kind) {
        case 'step':
          await this.#step(message);
          return;
        case 'readiness':
          await this.#readiness(message);
          return;
        case 'decryption':
          await this.#decryption(message, reveal);
          return;
      }
    } catch (error) {
      const busy = standstill(this.#log);
      if (busy !== undefined) {
        busy.cause = error;
        throw busy;
      }
      if (error instanceof PsephosError) {
        const code = TOO_LATE.has(error.code)
          ? 'too-late'
          : REVEALING.has(error.code)
            ? 'small-group'
            : undefined;
        if (code !== undefined) throw new PeerRefusal(code, error.message);
      }
      throw error;
    } finally {
      this.#waiting--;
    }
  }

  async #step(given: GivenStep): Promise<void> {
    const taken = await this.#ceremony.take(given);
    const { trustee, kind } = given.step;
    if (!taken.ok) throw this.#refuseStep(given, taken.error);
    if (taken.value === 'known') return;
    this.#onEvent({ type: 'trustee-step', trustee, name: this.#invitedName(trustee), step: kind });
    if (taken.value === 'complete')
      this.#onEvent({ type: 'trustees-made', trustees: this.#log.state.ceremony?.trustees.length ?? 0 });
    if (taken.value === 'ended') this.#tellEnded(given);
  }

  #refuseStep(given: GivenStep, found: Fault): PeerRefusal {
    const { trustee, kind } = given.step;
    const name = this.#invitedName(trustee);
    // Whoever gave no proof of being invited is nobody that anything could be said of.
    const evidence =
      found.accused.length === 0 ? null : { ceremony: given.ceremony, step: given.step, fault: found };
    this.#onEvent({
      type: 'trustee-refused',
      trustee,
      name,
      what: STEP_NAMES[kind],
      reason: found.reason,
      evidence,
    });
    const code: WireCode =
      found.offence === 'other-certificates' || found.offence === 'out-of-order' ? 'too-late' : 'bad-proof';
    return new PeerRefusal(code, `The ${kind} of trustee ${trustee} is refused: ${found.reason}.`);
  }

  #tellEnded(given: GivenStep): void {
    const ended = this.#ceremony.standing()?.ended;
    if (ended === null || ended === undefined) return;
    this.#onEvent({
      type: 'ceremony-ended',
      reason: ended.reason,
      accused: ended.accused.map((trustee) => ({ trustee, name: this.#invitedName(trustee) })),
      by: { trustee: given.step.trustee, name: this.#invitedName(given.step.trustee) },
    });
  }

  async #readiness(given: Extract<TrusteeMessage, { kind: 'readiness' }>): Promise<void> {
    const answered = await this.#calls.answer(given);
    const { trustee } = given;
    if (!answered.ok) throw this.#refuse(trustee, 'proof of readiness', answered.error);
    if (answered.value === 'late')
      throw new PeerRefusal(
        'too-late',
        'The trustees were asked again meanwhile: it answers an earlier call.',
      );
    // Anybody can send again what the log shows to all.
    if (answered.value === 'known') return;
    const readiness = this.#calls.readiness();
    if (readiness !== undefined)
      this.#onEvent({ type: 'trustee-ready', trustee, name: this.#invitedName(trustee), readiness });
  }

  async #decryption(given: Extract<TrusteeMessage, { kind: 'decryption' }>, reveal: boolean): Promise<void> {
    const { round, trustee, partialDecryption, proof } = given;
    const asked = this.#log.state.rounds[round - 1];
    if (asked?.decryptions?.some((one) => one.trustee === trustee) === true) return;
    // With a result in the log another decryption changes nothing: who comes late has nothing left to do.
    if (asked?.result !== undefined) return;
    if (round !== this.#log.state.rounds.length || asked?.tally === undefined)
      throw new PeerRefusal('too-late', `Round ${round} does not wait to be decrypted.`);
    const { invalid, missing } = await this.#organiser.count([{ trustee, partialDecryption, proof }], {
      reveal,
    });
    const [problem] = invalid;
    if (problem !== undefined) throw this.#refuse(trustee, 'decryption', problem.reason);
    this.#onEvent({
      type: 'decryption-taken',
      round,
      trustee,
      name: this.#invitedName(trustee),
      missing: missing ?? null,
    });
  }

  #refuse(trustee: number, what: string, reason: string): PeerRefusal {
    this.#onEvent({
      type: 'trustee-refused',
      trustee,
      name: this.#invitedName(trustee),
      what,
      reason,
      evidence: null,
    });
    return new PeerRefusal('bad-proof', `The ${what} of trustee ${trustee} is refused: ${reason}.`);
  }

  #invitedName(trustee: number): string | null {
    return this.#log.state.ceremony?.trustees[trustee - 1]?.name ?? null;
  }
}
