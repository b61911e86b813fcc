import { utf8ToBytes } from '../../../base/bytes.ts';
import { CborCursor } from '../../../base/cbor-cursor.ts';
import { BYTES, MAX_HEAD_BYTES, TEXT, textItem, writeHead } from '../../../base/cbor-head.ts';
import { MAX_BALLOT_BYTES } from '../../../election/limits.ts';
import type { CastRequest } from './messages.ts';

/**
 * The messages of which a node handles thousands a second, read and written by their shape: a few bytes around one
 * string. Tests hold both to what the general codec makes of them.
 */
const MAP_OF_1 = 0xa1;
const TO_BALLOT = Uint8Array.of(MAP_OF_1, ...textItem('ballot'));
const TO_RECEIPT = Uint8Array.of(MAP_OF_1, ...textItem('ok'), MAP_OF_1, ...textItem('receipt'));
const TO_PROMISE = Uint8Array.of(MAP_OF_1, ...textItem('ok'), MAP_OF_1, ...textItem('promise'));

/** Reads `{ballot}`, a view of `bytes`; undefined for all that `castRequestSchema` may yet take, or say what is wrong with. */
export function readCastRequest(bytes: Uint8Array): CastRequest | undefined {
  const cursor = new CborCursor(bytes);
  if (!cursor.skip(TO_BALLOT)) return undefined;
  const ballot = cursor.take(cursor.length(BYTES, MAX_BALLOT_BYTES));
  return cursor.ended ? { ballot } : undefined;
}

/** `{ok: {receipt}}` as it travels. */
export function encodeCastAnswer(receipt: string): Uint8Array {
  return textAfter(TO_RECEIPT, receipt);
}

/** `{ok: {promise}}` as it travels. */
export function encodePromise(promise: string): Uint8Array {
  return textAfter(TO_PROMISE, promise);
}

function textAfter(start: Uint8Array, value: string): Uint8Array {
  const text = utf8ToBytes(value);
  const answer = new Uint8Array(start.length + MAX_HEAD_BYTES + text.length);
  answer.set(start);
  const at = writeHead(answer, start.length, TEXT, text.length);
  answer.set(text, at);
  return answer.subarray(0, at + text.length);
}
