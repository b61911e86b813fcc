/**
 * How long an admitted ballot may take into the log, in ms. It takes milliseconds, some seconds where thousands wait; most of a
 * minute where a write fails, and the store has to be opened and read through before the voter's program can send it again.
 */
export const PROMISE_MS = 60_000;

/**
 * How long before a round closes by its schedule promises end, in ms: a ballot that waits for a slow write then could get a time
 * after the closing, and nobody may be promised what the clock can take away.
 */
export const NO_PROMISE_BEFORE_CLOSE_MS = 5_000;

/**
 * By when a ballot that is admitted at log time `time` can be promised to be in the log, in ms since 1970, in a round that closes at
 * `closes`; undefined where it can't be. Always before the closing: the log then has an entry after it, by which anybody can judge.
 */
export function promisedBy(time: number, closes: number | null): number | undefined {
  if (closes === null) return time + PROMISE_MS;
  if (closes - time <= NO_PROMISE_BEFORE_CLOSE_MS) return undefined;
  return Math.min(time + PROMISE_MS, closes - 1);
}

export type PromiseListener = (promise: string) => void;

/** The promise about one ballot on its way into the log, for everybody who sent that ballot and waits for its receipt. */
export class GivenPromise {
  #text: string | undefined;
  readonly #waiting: PromiseListener[] = [];

  /** Calls back once, when the promise is given, or at once if it was. */
  tell(listener: PromiseListener): void {
    if (this.#text === undefined) this.#waiting.push(listener);
    else listener(this.#text);
  }

  /** Used once. */
  give(text: string): void {
    this.#text = text;
    for (const listener of this.#waiting.splice(0)) listener(text);
  }
}
