import { utf8ToBytes } from '../base/bytes.ts';
import { MAX_ANSWERS, MAX_BODY_BYTES, MAX_ENTRY_BYTES, MAX_QUESTIONS, MAX_TIME } from '../election/limits.ts';
import { packAnswer, packBlank, packEnd } from './votes.ts';

/** A ballot entry's parts; the byte strings are views of the entry. */
export interface BallotShape {
  readonly seq: number;
  readonly time: number;
  /** SHA-256 digests in the CIDs. */
  readonly prev: Uint8Array;
  readonly round: Uint8Array;
  readonly body: Uint8Array;
  readonly signature: Uint8Array;
  readonly voter: Uint8Array;
  readonly number: number;
  /** As by `packChoices`. */
  readonly packed: string;
}

/**
 * Reads the entry of an open ballot in one pass, without building values and encoding them again, which would take a third
 * of an audit's time. The canonical DAG-CBOR form of such an entry is a fixed frame around a few fields:
 *
 *   {v: 1, seq, kind: "ballot", prev: CID, time, ballot: {body: bytes, signature: 64 bytes}}
 *   body: {v: 1, form: "open", round: CID, voter: 32 bytes, number, choices: [null | [answer, …], …]}
 *
 * Undefined for all other bytes, also where they may be some valid entry: the general decoder has the last word on them.
 * Whatever is read here, `decodeEntry` and `readBallot` read as well, and to the same values; a test holds this.
 */
export function readBallotShape(bytes: Uint8Array): BallotShape | undefined {
  if (bytes.length > MAX_ENTRY_BYTES) return undefined;
  const entry = new Cursor(bytes);
  if (!entry.skip(ENTRY_TO_SEQ)) return undefined;
  const seq = entry.uint(Number.MAX_SAFE_INTEGER);
  if (!entry.skip(SEQ_TO_PREV)) return undefined;
  const prev = entry.take(DIGEST_BYTES);
  if (!entry.skip(PREV_TO_TIME)) return undefined;
  const time = entry.uint(MAX_TIME);
  if (!entry.skip(TIME_TO_BODY)) return undefined;
  const body = entry.take(entry.length(BYTES, MAX_BODY_BYTES));
  if (!entry.skip(BODY_TO_SIGNATURE)) return undefined;
  const signature = entry.take(64);
  if (!entry.ended) return undefined;

  const inner = new Cursor(body);
  if (!inner.skip(BODY_TO_ROUND)) return undefined;
  const round = inner.take(DIGEST_BYTES);
  if (!inner.skip(ROUND_TO_VOTER)) return undefined;
  const voter = inner.take(32);
  if (!inner.skip(VOTER_TO_NUMBER)) return undefined;
  const number = inner.uint(0xffff_ffff);
  if (number < 1 || !inner.skip(NUMBER_TO_CHOICES)) return undefined;
  const packed = choices(inner);
  if (!inner.ended) return undefined;
  return { seq, time, prev, round, body, signature, voter, number, packed };
}

function choices(cursor: Cursor): string {
  const questions = cursor.length(ARRAY, MAX_QUESTIONS);
  if (questions === 0) cursor.fail();
  let packed = '';
  for (let question = 0; question < questions; question++) {
    if (cursor.skip(NULL)) {
      packed += packBlank;
      continue;
    }
    const answers = cursor.length(ARRAY, MAX_ANSWERS);
    for (let i = 0; i < answers; i++) packed += packAnswer(cursor.uint(MAX_ANSWERS));
    packed += packEnd;
  }
  return packed;
}

// CBOR's major types (RFC 8949 section 3.1), and the parts of the frame.

const UINT = 0;
const BYTES = 2;
const TEXT = 3;
const ARRAY = 4;
const DIGEST_BYTES = 32;

const text = (value: string) => [(TEXT << 5) | value.length, ...utf8ToBytes(value)];
/** Tag 42, 37 bytes: identity multibase, CIDv1, dag-cbor, sha2-256, 32 bytes. */
const CID = [0xd8, 42, 0x58, 37, 0x00, 0x01, 0x71, 0x12, 0x20];
const MAP_OF_6 = 0xa6;
const MAP_OF_2 = 0xa2;

const ENTRY_TO_SEQ = Uint8Array.of(MAP_OF_6, ...text('v'), 1, ...text('seq'));
const SEQ_TO_PREV = Uint8Array.of(...text('kind'), ...text('ballot'), ...text('prev'), ...CID);
const PREV_TO_TIME = Uint8Array.from(text('time'));
const TIME_TO_BODY = Uint8Array.of(...text('ballot'), MAP_OF_2, ...text('body'));
const BODY_TO_SIGNATURE = Uint8Array.of(...text('signature'), 0x58, 64);
const BODY_TO_ROUND = Uint8Array.of(
  MAP_OF_6,
  ...text('v'),
  1,
  ...text('form'),
  ...text('open'),
  ...text('round'),
  ...CID,
);
const ROUND_TO_VOTER = Uint8Array.of(...text('voter'), 0x58, 32);
const VOTER_TO_NUMBER = Uint8Array.from(text('number'));
const NUMBER_TO_CHOICES = Uint8Array.from(text('choices'));
const NULL = Uint8Array.of(0xf6);

/** Goes through bytes; once something was not as expected it has failed for good, gives zeros, and never ends. */
class Cursor {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Whether all was as expected and nothing is left over. */
  get ended(): boolean {
    return this.#at === this.#bytes.length;
  }

  fail(): number {
    this.#at = Infinity;
    return 0;
  }

  /** Whether `expected` comes next; it is passed over if so, else nothing changes. */
  skip(expected: Uint8Array): boolean {
    const at = this.#at;
    for (let i = 0; i < expected.length; i++) if (this.#bytes[at + i] !== expected[i]) return false;
    this.#at = at + expected.length;
    return true;
  }

  take(length: number): Uint8Array {
    const from = this.#at;
    if (length > this.#bytes.length - from) this.fail();
    else this.#at = from + length;
    return this.#bytes.subarray(from, from + length);
  }

  uint(max: number): number {
    return this.length(UINT, max);
  }

  /** The argument of a head of the major type, in its shortest form as DAG-CBOR demands, and at most `max`. */
  length(major: number, max: number): number {
    const head = this.#bytes[this.#at];
    if (head === undefined || head >> 5 !== major) return this.fail();
    const info = head & 31;
    const width = info < 24 ? 0 : 2 ** (info - 24);
    if (width > 8) return this.fail();
    let value = width === 0 ? info : 0;
    for (let i = 1; i <= width; i++) value = value * 256 + (this.#bytes[this.#at + i] ?? NaN);
    const least = width === 0 ? 0 : width === 1 ? 24 : 256 ** (width / 2);
    if (!(value >= least && value <= max)) return this.fail();
    this.#at += 1 + width;
    return value;
  }
}
