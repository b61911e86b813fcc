import { equalBytes } from '../base/bytes.ts';
import { type Result, err, ok } from '../base/result.ts';
import { sha256 } from '../crypto/hash.ts';
import type { LogKey } from '../log/checkpoint.ts';
import { type BallotPromise, openPromise } from '../log/promise.ts';

/**
 * How far off a promised time may be, in ms by the clock of whoever hears of it. The authority's own program promises a minute; an hour
 * leaves room for clocks that differ. A promise for next year would be one that nobody can hold against anybody in time.
 */
const MAX_AHEAD_MS = 60 * 60_000;

/**
 * Whether a promise, as it came in answer to `ballot`, is the word of the log's authority about that ballot, for a time that can be
 * waited for at `now` (any time, where there is no clock). One that is past already is only the easier to break. The error says what
 * is wrong with it.
 */
export function checkPromise(
  text: string,
  key: LogKey,
  ballot: Uint8Array,
  now: number | undefined,
): Result<BallotPromise, string> {
  const promise = openPromise(text, key);
  if (!promise.ok) return promise;
  const { ballotHash, by } = promise.value;
  if (!equalBytes(ballotHash, sha256(ballot))) return err('it is about another ballot');
  if (now !== undefined && by > now + MAX_AHEAD_MS)
    return err("its time is more than an hour away, by this computer's clock");
  return ok(promise.value);
}
