import { equalBytes } from '../base/bytes.ts';
import { type Result, err } from '../base/result.ts';
import { sha256 } from '../crypto/hash.ts';
import type { LogKey } from '../log/checkpoint.ts';
import { type BallotPromise, openPromise } from '../log/promise.ts';

/**
 * How far off a promised time may be, in ms by the clock of whoever hears of it. The authority's own program promises a minute; an hour
 * leaves room for clocks that differ. A promise for next year would be one that nobody can hold against anybody in time.
 */
const MAX_AHEAD_MS = 60 * 60_000;

/** Whether a promise, as it came in answer to `ballot`, is the word of the log's authority about that ballot. The error says why not. */
export function openOwnPromise(text: string, key: LogKey, ballot: Uint8Array): Result<BallotPromise, string> {
  const promise = openPromise(text, key);
  if (!promise.ok) return promise;
  return equalBytes(promise.value.ballotHash, sha256(ballot)) ? promise : err('it is about another ballot');
}

/**
 * What is wrong with the time of a promise that came at `now` (any time, where there is no clock), in a round that closes at `closes`;
 * undefined for one that can be waited for, and is followed by the entry that closes the round at the latest. One that is past already is
 * only the easier to break. Whatever its time, a promise is the authority's word, and evidence where the log goes on past it.
 */
export function timeProblem(
  { by }: Pick<BallotPromise, 'by'>,
  { now, closes }: { readonly now: number | undefined; readonly closes: number | null },
): string | undefined {
  // The log may end with the round, and then nobody can say whether a later one was broken.
  if (closes !== null && by >= closes) return 'its time is not before the round closes';
  return now !== undefined && by > now + MAX_AHEAD_MS
    ? "its time is more than an hour away, by this computer's clock"
    : undefined;
}
