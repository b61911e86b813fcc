import { PsephosError } from '../../base/errors.ts';
import { PeerRefusal } from '../../services/ports.ts';
import type { Console } from '../console.ts';
import { printable } from '../printable.ts';
import type { Pending } from './pending.ts';

/** Seconds to keep trying once the peer was met: a power cut or a change of networks at the organiser's. */
export const REQUEST_PATIENCE = 60;

/** Bounds, in ms, of what the waits between two tries grow to. */
const LONGEST_WAIT_MS = { least: 8_000, most: 30_000 };
/** As a part of the whole time: who has little loses little, and who has a day does not ask every few seconds. */
const WAITS_IN_PATIENCE = 40;

/**
 * What the waits between two tries of somebody grow to who waits so many seconds in all. Half a thousand who have an hour then dial
 * seventeen times a second between them, which is no burden to a computer that comes back.
 */
export function longestWaitMs(seconds: number): number {
  const part = (seconds * 1000) / WAITS_IN_PATIENCE;
  return Math.min(Math.max(part, LONGEST_WAIT_MS.least), LONGEST_WAIT_MS.most);
}

/** How many tries `net/`'s pauses (0.25 s, doubling up to `longestWaitMs`) spread over so many seconds. */
export function retriesWithin(seconds: number): number {
  const longest = longestWaitMs(seconds) / 1000;
  let tries = 0;
  for (let total = 0, pause = 0.25; total < seconds; total += pause, pause = Math.min(2 * pause, longest))
    tries++;
  return tries;
}

/** Says why nothing seems to happen and, while a ballot waits to be cast, where it is and what becomes of it. */
export class Waiting {
  readonly #out: Console;
  readonly #seconds: number;
  readonly #before: string;
  #pending: Pending | undefined;
  #until: number | undefined;
  #said: string | undefined;
  #last: Error | undefined;

  /** `seconds` as the voter gave them, where it was said; `before` is what to say of it while no ballot waits. */
  constructor(out: Console, seconds: number = REQUEST_PATIENCE, before = '') {
    this.#out = out;
    this.#seconds = seconds;
    this.#before = before;
  }

  /** From now on it is this ballot that waits. */
  hold(pending: Pending): void {
    this.#pending = pending;
    this.#said = undefined;
    this.#until = undefined;
  }

  /** As `hold`, for a ballot of which it was said already that it waits. */
  holdQuietly(pending: Pending): void {
    this.hold({ ...pending, sayWaits: () => undefined });
  }

  /** Something went wrong, and is tried again in so many ms. */
  tell(error: unknown, waitMs: number): void {
    this.#last = error instanceof Error ? error : undefined;
    const message = this.#last === undefined ? 'No answer.' : printable(this.#last.message);
    const isBusy = error instanceof PeerRefusal;
    const text = isBusy ? `The organiser's machine is busy: ${message}` : message;
    const next = `Trying again in ${Math.max(1, Math.round(waitMs / 1000))} s.`;
    this.#until ??= Date.now() + this.#seconds * 1000;
    if (this.#said === undefined) {
      if (this.#pending === undefined) this.#out.note(isBusy ? '' : this.#before);
      else this.#pending.sayWaits(isBusy, this.#seconds);
    }
    if (this.#said === text) this.#again(text, next);
    else this.#out.note(`${text}\n${next}\n`);
    this.#said = text;
    const code = error instanceof PsephosError || isBusy ? error.code : 'unreachable';
    this.#out.emit({ event: 'waiting', code, message, waitMs: Math.round(waitMs) });
  }

  /** Throws where a ballot is not to be sent once more: it is not kept any more, or was waited for long enough. */
  async beforeRetry(): Promise<void> {
    if (this.#pending === undefined) return;
    await this.#pending.expectKept();
    const isOver = this.#until !== undefined && Date.now() > this.#until;
    if (isOver && this.#last !== undefined) throw this.#last;
  }

  #again(text: string, next: string): void {
    if (this.#out.isTerminal) this.#out.status(`${next} ${text}`);
    else this.#out.note(`${next}\n`);
  }
}
