import { CborCursor } from '../base/cbor-cursor.ts';
import { ARRAY, TEXT, textItem } from '../base/cbor-head.ts';
import { CID_ITEM, cidFromDigest } from '../crypto/cid.ts';
import { ENTRY_VERSION, type RollEntry, type Voter } from '../election/entries.ts';
import {
  MAX_ENTRY_BYTES,
  MAX_NAME_BYTES,
  MAX_TIME,
  MAX_VOTERS,
  MAX_WEIGHT,
  ROLL_CHUNK,
} from '../election/limits.ts';
import { nameSchema } from '../election/schemas.ts';

/**
 * Reads a roll entry in one pass. A chunk has a thousand voters, and whoever starts on a log reads all of them: to make values, encode
 * them again to see that they were canonical, and hold them against a schema takes a fifth of a second of 5,000 voters, most
 * of it until the compiler has made the decoder fast. The canonical form is a fixed frame around the fields:
 *
 *   {v: 1, seq, kind: "roll", part, prev: CID, time, parts, voters: [{key: 32 bytes, name, weight}, …]}
 *
 * Undefined for all other bytes, also where they may be some valid entry: the general decoder has the last word on them.
 * Whatever is read here, that reads as well, and to the same value; a test holds this.
 */
export function readRollEntry(bytes: Uint8Array): RollEntry | undefined {
  if (bytes.length > MAX_ENTRY_BYTES) return undefined;
  const entry = new CborCursor(bytes);
  if (!entry.skip(TO_SEQ)) return undefined;
  const seq = entry.uint(Number.MAX_SAFE_INTEGER);
  if (!entry.skip(SEQ_TO_PART)) return undefined;
  const part = entry.uint(MAX_VOTERS);
  if (!entry.skip(PART_TO_PREV)) return undefined;
  const prev = entry.take(DIGEST_BYTES);
  if (!entry.skip(PREV_TO_TIME)) return undefined;
  const time = entry.uint(MAX_TIME);
  if (!entry.skip(TIME_TO_PARTS)) return undefined;
  const parts = entry.uint(MAX_VOTERS);
  if (parts < 1 || !entry.skip(PARTS_TO_VOTERS)) return undefined;
  const voters = readVoters(entry);
  if (voters === undefined || !entry.ended) return undefined;
  return { v: ENTRY_VERSION, seq, prev: cidFromDigest(prev), time, kind: 'roll', part, parts, voters };
}

function readVoters(entry: CborCursor): readonly Voter[] | undefined {
  const count = entry.length(ARRAY, ROLL_CHUNK);
  const voters: Voter[] = [];
  while (voters.length < count) {
    if (!entry.skip(TO_KEY)) return undefined;
    // A copy, since voters may be kept for longer than the entry.
    const key = entry.take(KEY_BYTES).slice();
    if (!entry.skip(KEY_TO_NAME)) return undefined;
    const name = nameOf(entry.take(entry.length(TEXT, MAX_NAME_BYTES)));
    if (name === undefined || !entry.skip(NAME_TO_WEIGHT)) return undefined;
    const weight = entry.uint(MAX_WEIGHT);
    if (weight < 1) return undefined;
    voters.push({ name, key, weight });
  }
  return voters.length === 0 ? undefined : voters;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function nameOf(bytes: Uint8Array): string | undefined {
  try {
    const name = utf8.decode(bytes);
    return nameSchema.safeParse(name).success ? name : undefined;
  } catch {
    // The decoder throws for ill-formed UTF-8, and for nothing else.
    return undefined;
  }
}

const DIGEST_BYTES = 32;
const KEY_BYTES = 32;
const MAP_OF_8 = 0xa8;
const MAP_OF_3 = 0xa3;
const TO_SEQ = Uint8Array.of(MAP_OF_8, ...textItem('v'), ENTRY_VERSION, ...textItem('seq'));
const SEQ_TO_PART = Uint8Array.of(...textItem('kind'), ...textItem('roll'), ...textItem('part'));
const PART_TO_PREV = Uint8Array.of(...textItem('prev'), ...CID_ITEM);
const PREV_TO_TIME = Uint8Array.from(textItem('time'));
const TIME_TO_PARTS = Uint8Array.from(textItem('parts'));
const PARTS_TO_VOTERS = Uint8Array.from(textItem('voters'));
const TO_KEY = Uint8Array.of(MAP_OF_3, ...textItem('key'), 0x58, KEY_BYTES);
const KEY_TO_NAME = Uint8Array.from(textItem('name'));
const NAME_TO_WEIGHT = Uint8Array.from(textItem('weight'));
