import { PsephosError } from '../base/errors.ts';
import type { ElectionLog } from './election-log.ts';
import type { EventListener } from './events.ts';
import type { Organiser } from './organiser.ts';
import type { Clock } from './ports.ts';

/** How long to wait between attempts to open the store again after a failed write, in ms. */
const RESUME_EVERY = 5000;
/** How long before a scheduled opening or closing the trustees are asked once more, in ms. */
const ASK_BEFORE = 15 * 60_000;

/**
 * Does what falls due while a node runs: opens and closes rounds by their schedule, asks the trustees now and then whether they could
 * decrypt, and takes the log up again after a failed write. `tick` is called about once a second; ballots are refused from the closing time on whatever it does.
 */
export class Caretaker {
  readonly #log: ElectionLog;
  readonly #organiser: Organiser;
  readonly #clock: Clock;
  readonly #onEvent: EventListener;
  readonly #askTrusteesEvery: number;
  #busy = false;
  #nextResume = 0;
  #lastProblem = '';

  constructor(init: {
    log: ElectionLog;
    organiser: Organiser;
    clock: Clock;
    onEvent: EventListener;
    /** How long a proof that the trustees could decrypt is good for while a round is open, in ms. */
    askTrusteesEvery: number;
  }) {
    this.#log = init.log;
    this.#organiser = init.organiser;
    this.#clock = init.clock;
    this.#onEvent = init.onEvent;
    this.#askTrusteesEvery = init.askTrusteesEvery;
  }

  async tick(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      await this.#doWhatIsDue();
    } catch (error) {
      // A foreseen failure (the disk is still full, a round that can't open) is tried again at a later tick; anything
      // else is a defect, and must not end a polling station that still takes ballots.
      if (error instanceof PsephosError) this.#reportOnce(error.message);
      else this.#onEvent({ type: 'defect', error });
    } finally {
      this.#busy = false;
    }
  }

  #reportOnce(reason: string): void {
    if (reason !== this.#lastProblem) this.#onEvent({ type: 'schedule-problem', reason });
    this.#lastProblem = reason;
  }

  async #doWhatIsDue(): Promise<void> {
    const now = this.#clock.now();
    if (this.#log.suspended) {
      if (now < this.#nextResume) return;
      this.#nextResume = now + RESUME_EVERY;
      await this.#log.resume();
      return;
    }
    // Whoever runs the program was told when it was halted.
    if (this.#log.halted !== undefined) return;
    if (await this.#mustAsk(now)) {
      await this.#organiser.calls.call();
      this.#onEvent({ type: 'trustees-called' });
      // Those who can answer at once do so before the next tick.
      return;
    }
    const { state } = this.#log;
    const closes = state.round?.entry.closes ?? null;
    if (state.phase === 'open' && closes !== null && this.#log.logTime() >= closes) {
      await this.#organiser.close();
    } else if (state.phase === 'ready') {
      const draft = await this.#log.store.draft();
      if (draft !== undefined && draft.opens !== null && now >= draft.opens) await this.#organiser.open();
    }
  }

  /** Whether the trustees were last asked too long ago: while voting goes on, and shortly before it begins or ends by schedule. */
  async #mustAsk(now: number): Promise<boolean> {
    const { state } = this.#log;
    if (state.trustees === undefined) return false;
    const last = state.call?.entry.time ?? 0;
    const isOpen = state.phase === 'open';
    if (isOpen && now - last >= this.#askTrusteesEvery) return true;
    const due = isOpen
      ? state.round?.entry.closes
      : state.phase === 'ready'
        ? (await this.#log.store.draft())?.opens
        : undefined;
    return due !== undefined && due !== null && now >= due - ASK_BEFORE && last < due - ASK_BEFORE;
  }
}
