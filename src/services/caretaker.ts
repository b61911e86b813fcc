import { PsephosError } from '../base/errors.ts';
import type { ElectionLog } from './election-log.ts';
import type { EventListener } from './events.ts';
import type { Organiser } from './organiser.ts';
import type { Clock } from './ports.ts';

/** How long to wait between attempts to open the store again after a failed write, in ms. */
const RESUME_EVERY = 5000;

/**
 * Does what falls due while a node runs: opens and closes rounds by their schedule, and takes the log up again after a
 * failed write. `tick` is called about once a second; ballots are refused from the closing time on whatever it does.
 */
export class Caretaker {
  readonly #log: ElectionLog;
  readonly #organiser: Organiser;
  readonly #clock: Clock;
  readonly #onEvent: EventListener;
  #busy = false;
  #nextResume = 0;
  #lastProblem = '';

  constructor(init: { log: ElectionLog; organiser: Organiser; clock: Clock; onEvent: EventListener }) {
    this.#log = init.log;
    this.#organiser = init.organiser;
    this.#clock = init.clock;
    this.#onEvent = init.onEvent;
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
    const { state } = this.#log;
    const closes = state.round?.entry.closes ?? null;
    if (state.phase === 'open' && closes !== null && this.#log.logTime() >= closes) {
      await this.#organiser.close();
    } else if (state.phase === 'ready') {
      const draft = await this.#log.store.draft();
      if (draft !== undefined && draft.opens !== null && now >= draft.opens) await this.#organiser.open();
    }
  }
}
