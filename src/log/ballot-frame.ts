import { CborCursor } from '../base/cbor-cursor.ts';
import { BYTES, MAX_HEAD_BYTES, UINT, textItem, writeHead } from '../base/cbor-head.ts';
import { CID_ITEM, isEntryCid } from '../crypto/cid.ts';
import type { BallotEntry } from '../election/entries.ts';
import { MAX_BODY_BYTES, MAX_ENTRY_BYTES, MAX_TIME } from '../election/limits.ts';

/**
 * A ballot's entry by its shape: its canonical DAG-CBOR form is a fixed frame around a few fields,
 *
 *   {v: 1, seq, kind: "ballot", prev: CID, time, ballot: {body: bytes, signature: 64 bytes}}
 *
 * so that it is written and read without the general codec, which would take a third of an audit's time. Only `prev`'s
 * digest is kept of its CID. Both directions agree with `encodeEntry` and `decodeEntry`; tests hold this.
 */
export interface BallotFrame {
  readonly seq: number;
  readonly prev: Uint8Array;
  readonly time: number;
  readonly body: Uint8Array;
  readonly signature: Uint8Array;
}

/**
 * Reads such an entry; byte strings are views of it. Undefined for all other bytes, also where they may be some valid entry:
 * the general decoder has the last word on them.
 */
export function readBallotFrame(bytes: Uint8Array): BallotFrame | undefined {
  if (bytes.length > MAX_ENTRY_BYTES) return undefined;
  const entry = new CborCursor(bytes);
  if (!entry.skip(TO_SEQ)) return undefined;
  const seq = entry.uint(Number.MAX_SAFE_INTEGER);
  if (!entry.skip(SEQ_TO_PREV)) return undefined;
  const prev = entry.take(DIGEST_BYTES);
  if (!entry.skip(PREV_TO_TIME)) return undefined;
  const time = entry.uint(MAX_TIME);
  if (!entry.skip(TIME_TO_BODY)) return undefined;
  const body = entry.take(entry.length(BYTES, MAX_BODY_BYTES));
  if (!entry.skip(BODY_TO_SIGNATURE)) return undefined;
  const signature = entry.take(SIGNATURE_BYTES);
  return entry.ended ? { seq, prev, time, body, signature } : undefined;
}

/**
 * The ballot in an entry that was read so, as it travelled (docs/PROTOCOL, section 5): the entry's last field is that very block. A
 * view of `bytes`.
 */
export function ballotBlock(bytes: Uint8Array, { body }: Pick<BallotFrame, 'body'>): Uint8Array {
  const head = writeHead(new Uint8Array(MAX_HEAD_BYTES), 0, BYTES, body.length);
  const length = MAP_AND_BODY_NAME + head + body.length + BODY_TO_SIGNATURE.length + SIGNATURE_BYTES;
  return bytes.subarray(bytes.length - length);
}

/** Writes a ballot's entry, of which it takes no more than these fields; undefined where the general encoder is needed. */
export function writeBallotEntry({
  seq,
  prev,
  time,
  ballot,
}: Omit<BallotEntry, 'kind' | 'v'>): Uint8Array | undefined {
  const { body, signature } = ballot;
  if (prev === null || !isEntryCid(prev) || signature.length !== SIGNATURE_BYTES) return undefined;
  if (!isUint(seq) || !isUint(time)) return undefined;
  const target = new Uint8Array(MOST_BYTES_AROUND + body.length);
  let at = put(target, 0, TO_SEQ);
  at = writeHead(target, at, UINT, seq);
  at = put(target, at, SEQ_TO_PREV);
  at = put(target, at, prev.multihash.digest);
  at = put(target, at, PREV_TO_TIME);
  at = writeHead(target, at, UINT, time);
  at = put(target, at, TIME_TO_BODY);
  at = writeHead(target, at, BYTES, body.length);
  at = put(target, at, body);
  at = put(target, at, BODY_TO_SIGNATURE);
  at = put(target, at, signature);
  return target.subarray(0, at);
}

function isUint(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function put(target: Uint8Array, at: number, bytes: Uint8Array): number {
  target.set(bytes, at);
  return at + bytes.length;
}

const DIGEST_BYTES = 32;
const SIGNATURE_BYTES = 64;
const MAP_OF_6 = 0xa6;
const MAP_OF_2 = 0xa2;
const TO_SEQ = Uint8Array.of(MAP_OF_6, ...textItem('v'), 1, ...textItem('seq'));
const SEQ_TO_PREV = Uint8Array.of(
  ...textItem('kind'),
  ...textItem('ballot'),
  ...textItem('prev'),
  ...CID_ITEM,
);
const PREV_TO_TIME = Uint8Array.from(textItem('time'));
const TIME_TO_BODY = Uint8Array.of(...textItem('ballot'), MAP_OF_2, ...textItem('body'));
const MAP_AND_BODY_NAME = 1 + textItem('body').length;
const BODY_TO_SIGNATURE = Uint8Array.of(...textItem('signature'), 0x58, SIGNATURE_BYTES);
const PARTS = [TO_SEQ, SEQ_TO_PREV, PREV_TO_TIME, TIME_TO_BODY, BODY_TO_SIGNATURE];
/** All but the body, with numbers at their longest. */
const MOST_BYTES_AROUND =
  PARTS.reduce((sum, { length }) => sum + length, 0) + 3 * MAX_HEAD_BYTES + DIGEST_BYTES + SIGNATURE_BYTES;
