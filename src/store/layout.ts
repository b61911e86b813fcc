import { fromHex, toHex, utf8ToBytes } from '../base/bytes.ts';
import { MAX_NAME_BYTES } from '../election/limits.ts';
import type { VoterRecord } from '../services/ports.ts';

/**
 * What the data folder holds:
 *
 *   log/          the LevelDB below
 *   acknowledged  how many entries were ever acknowledged, see acknowledged.ts
 *   lock.json     who holds the folder, see lock-note.ts
 *
 * and the LevelDB, keys in UTF-8, every value sealed (seal.ts). Numbers in keys have 12 decimal digits, so that the
 * order of keys is that of numbers; in values they are big-endian.
 *
 *   entry/<index>            the entry's bytes
 *   checkpoint/<size>        the signed note's text
 *   tile/<level>/<index>     the tile's hashes
 *   voter/<public key, hex>  weight u32, round u32, number u32, index + 1 of the last ballot u64 (0: none), name
 *   name/<name>              the voter's public key
 *   ballot/<tracker>         index u64
 *   enrolment/<key, hex>     index u64; under the key on the roll, whose voter record is gone, and under the new key
 *   draft                    JSON
 *   meta/format              FORMAT
 *   meta/indexed             u64: number of entries that tile, voter, name, ballot and enrolment take account of
 */
export const FORMAT = 'psephos-store/1';
export const LOG_FOLDER = 'log';

export const DRAFT_KEY = 'draft';
export const FORMAT_KEY = 'meta/format';
export const INDEXED_KEY = 'meta/indexed';

const DIGITS = 12;
const MAX_NUMBER = 10 ** DIGITS - 1;
const MAX_TRACKER_CHARS = 64;
const VOTER_FIXED_BYTES = 20;
const TWO_32 = 2 ** 32;

/** The keys that begin with `family` and a slash. */
export interface KeyRange {
  readonly gte: string;
  readonly lt: string;
}

/** All keys of a family. `0` follows the slash in ASCII. */
export function familyRange(
  family: 'entry' | 'checkpoint' | 'tile' | 'voter' | 'name' | 'ballot' | 'enrolment',
): KeyRange {
  return { gte: `${family}/`, lt: `${family}0` };
}

export function entryKey(seq: number): string {
  return `entry/${digits(seq)}`;
}

export function checkpointKey(size: number): string {
  return `checkpoint/${digits(size)}`;
}

export function tileKey(level: number, index: number): string {
  return `tile/${digits(level).slice(-2)}/${digits(index)}`;
}

export function voterKey(publicKey: Uint8Array): string {
  return `voter/${toHex(publicKey)}`;
}

/** Undefined for what can't be a name: the question may come from a stranger. */
export function nameKey(name: string): string | undefined {
  return name.length <= MAX_NAME_BYTES && utf8ToBytes(name).length <= MAX_NAME_BYTES
    ? `name/${name}`
    : undefined;
}

/** Undefined for what can't be a tracker: the question may come from a stranger. */
export function ballotKey(tracker: string): string | undefined {
  return tracker.length <= MAX_TRACKER_CHARS ? `ballot/${tracker}` : undefined;
}

export function enrolmentKey(publicKey: Uint8Array): string {
  return `enrolment/${toHex(publicKey)}`;
}

/** The number that ends a key; undefined where the key isn't of that form. */
export function numberInKey(key: string): number | undefined {
  const text = key.slice(-DIGITS);
  return /^[0-9]{12}$/.test(text) ? Number(text) : undefined;
}

function digits(value: number): string {
  if (!Number.isInteger(value) || value < 0 || value > MAX_NUMBER)
    throw new RangeError(`${value} is no index of a log`);
  return String(value).padStart(DIGITS, '0');
}

export function encodeNumber(value: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(8);
  writeNumber(bytes, value, 0);
  return bytes;
}

function writeNumber(bytes: Buffer, value: number, at: number): void {
  bytes.writeUInt32BE(Math.floor(value / TWO_32), at);
  bytes.writeUInt32BE(value % TWO_32, at + 4);
}

/** Undefined for other bytes than `encodeNumber` makes. */
export function decodeNumber(bytes: Uint8Array): number | undefined {
  if (bytes.length !== 8) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, 8);
  const value = view.getUint32(0) * TWO_32 + view.getUint32(4);
  return Number.isSafeInteger(value) ? value : undefined;
}

export function encodeVoter(voter: VoterRecord): Uint8Array {
  const bytes = Buffer.allocUnsafe(VOTER_FIXED_BYTES + Buffer.byteLength(voter.name));
  bytes.writeUInt32BE(voter.weight, 0);
  bytes.writeUInt32BE(voter.round, 4);
  bytes.writeUInt32BE(voter.number, 8);
  writeNumber(bytes, voter.seq === null ? 0 : voter.seq + 1, 12);
  bytes.write(voter.name, VOTER_FIXED_BYTES);
  return bytes;
}

/** The record stored under `key`; undefined where either is not of the form above. */
export function decodeVoter(key: string, bytes: Uint8Array): VoterRecord | undefined {
  const publicKey = fromHex(key.slice('voter/'.length));
  if (publicKey === undefined || bytes.length < VOTER_FIXED_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, VOTER_FIXED_BYTES);
  const next = decodeNumber(bytes.subarray(12, VOTER_FIXED_BYTES));
  const name = decodeText(bytes.subarray(VOTER_FIXED_BYTES));
  if (next === undefined || name === undefined) return undefined;
  return {
    name,
    key: publicKey,
    weight: view.getUint32(0),
    round: view.getUint32(4),
    number: view.getUint32(8),
    seq: next === 0 ? null : next - 1,
  };
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Undefined for bytes that are no UTF-8. */
export function decodeText(bytes: Uint8Array): string | undefined {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    // A fatal decoder throws for ill-formed bytes, and for nothing else.
    return undefined;
  }
}
