import { fromBase64, toBase64 } from '../base/bytes.ts';
import { type Result, err, ok } from '../base/result.ts';
import { MAX_TIME } from '../election/limits.ts';
import { type LogKey, parseDecimal } from './checkpoint.ts';
import { HASH_BYTES } from './merkle.ts';
import { parseNote, signNote, verifyNote } from './note.ts';

/**
 * A promise: the authority's word, given when it takes a ballot in and before that is in the log, that it will be there by a
 * time. A signed note (c2sp.org/signed-note) by the key and under the name of the election's checkpoints, of four lines:
 *
 *   psephos/promise/v1
 *   <origin of the log>
 *   <SHA-256 of the ballot as it travels, base64>
 *   <the latest time, in ms since 1970, decimal>
 *
 * Whoever has one, and a log with a later entry and without the ballot, can show that the word was not kept. No checkpoint
 * begins as it does: an origin is `psephos/` and a CID.
 */
const FIRST_LINE = 'psephos/promise/v1';

export interface BallotPromise {
  /** SHA-256 of the ballot as it travels (docs/PROTOCOL, section 5). */
  readonly ballotHash: Uint8Array;
  /** The ballot is in the log before an entry is made later than this, in ms since 1970. */
  readonly by: number;
  readonly text: string;
}

/** The text of a promise, signed with the authority's Ed25519 `seed`. Throws RangeError where it has no such text. */
export function signPromise(
  promise: Pick<BallotPromise, 'ballotHash' | 'by'>,
  key: LogKey,
  seed: Uint8Array,
): string {
  if (promise.ballotHash.length !== HASH_BYTES) throw new RangeError(`a hash has ${HASH_BYTES} bytes`);
  if (timeOf(String(promise.by)) === undefined) throw new RangeError(`${promise.by} is no time in ms`);
  const body = `${FIRST_LINE}\n${key.origin}\n${toBase64(promise.ballotHash)}\n${promise.by}\n`;
  return signNote(body, { name: key.origin, publicKey: key.publicKey }, seed);
}

/** Reads a promise and verifies that it is about the log `key` and signed by it. */
export function openPromise(text: string, key: LogKey): Result<BallotPromise, string> {
  const note = parseNote(text);
  if (!note.ok) return note;
  const [first, origin, hash = '', time = '', end, ...rest] = note.value.body.split('\n');
  if (first !== FIRST_LINE || end !== '' || rest.length > 0) return err('it is not a promise');
  if (origin !== key.origin) return err(`it is not about the log ${key.origin}`);
  const ballotHash = fromBase64(hash);
  const by = timeOf(time);
  if (ballotHash?.length !== HASH_BYTES || by === undefined) return err('the promise is malformed');
  const signed = verifyNote(note.value, { name: key.origin, publicKey: key.publicKey });
  return signed.ok ? ok({ ballotHash, by, text }) : signed;
}

/** Later than any entry's is no time: it would promise nothing, and has no date to show people. */
function timeOf(decimal: string): number | undefined {
  const time = parseDecimal(decimal);
  return time === undefined || time > MAX_TIME ? undefined : time;
}
