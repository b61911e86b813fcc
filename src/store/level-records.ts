import { concatBytes } from '../base/bytes.ts';
import { crc32c, readChecksum } from './crc32c.ts';

/**
 * LevelDB's record files, the write-ahead logs and the manifest (LevelDB, doc/log_format.md): blocks of 32 KiB of fragments
 *
 *   masked CRC-32C u32 little-endian || length u16 little-endian || type u8 || data
 *
 * of types full 1, first 2, middle 3, last 4. A fragment never crosses a block, and under 7 bytes at its end are zero.
 */
const BLOCK_BYTES = 32 * 1024;
const HEADER_BYTES = 7;
const [FULL, FIRST, MIDDLE, LAST] = [1, 2, 3, 4] as const;

/**
 * `torn`: the last record is incomplete, which a power cut in the middle of a write leaves behind, and also damage to the
 * last record. `damaged`: a whole record follows what can't be read. Every write is synced before the next begins, so no
 * power cut leaves that.
 */
export type RecordsVerdict = 'whole' | 'torn' | 'damaged';

/**
 * Bytes that are hashed, at most, to find the next record where a fragment can't be read: its length can't be trusted, so a
 * record may begin at any byte, and bytes that look like headers would make that quadratic. Past it, and in any case, the
 * search goes on at the next block, which begins with a header.
 */
const SEARCH_BYTES = 1 << 20;

/** Judges the bytes of a record file. */
export function judgeRecords(bytes: Uint8Array): RecordsVerdict {
  let inRecord = false;
  let broken = false;
  let search = SEARCH_BYTES;
  for (let at = 0; at < bytes.length;) {
    const blockEnd = Math.min(at - (at % BLOCK_BYTES) + BLOCK_BYTES, bytes.length);
    if (blockEnd - at < HEADER_BYTES) {
      if (blockEnd - at > 0 && blockEnd % BLOCK_BYTES !== 0) broken = true;
      at = blockEnd;
      continue;
    }
    const fragment = readFragment(bytes, at, blockEnd);
    const starts = fragment?.type === FULL || fragment?.type === FIRST;
    if (starts && (broken || inRecord)) return 'damaged';
    if (fragment === undefined) {
      broken = true;
      search -= hashedAt(bytes, at, blockEnd);
      at = search > 0 ? at + 1 : blockEnd;
      continue;
    }
    if (!starts && !inRecord) broken = true;
    inRecord = fragment.type === FIRST || (inRecord && fragment.type === MIDDLE);
    at = fragment.end;
  }
  return broken || inRecord ? 'torn' : 'whole';
}

/** The records of a file up to its end, or up to the first that is incomplete or damaged. */
export function* readRecords(bytes: Uint8Array): Generator<Uint8Array, void, undefined> {
  let parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const blockEnd = at - (at % BLOCK_BYTES) + BLOCK_BYTES;
    if (blockEnd - at < HEADER_BYTES) {
      at = blockEnd;
      continue;
    }
    const fragment = readFragment(bytes, at, Math.min(blockEnd, bytes.length));
    if (fragment === undefined) return;
    const starts = fragment.type === FULL || fragment.type === FIRST;
    if (starts !== (parts.length === 0)) return;
    parts.push(bytes.subarray(at + HEADER_BYTES, fragment.end));
    if (fragment.type === FULL || fragment.type === LAST) {
      yield concatBytes(...parts);
      parts = [];
    }
    at = fragment.end;
  }
}

function readFragment(
  bytes: Uint8Array,
  at: number,
  blockEnd: number,
): { type: number; end: number } | undefined {
  const length = hashedAt(bytes, at, blockEnd);
  if (length === 0) return undefined;
  const end = at + HEADER_BYTES - 1 + length;
  return readChecksum(bytes, at) === crc32c(bytes, at + HEADER_BYTES - 1, end)
    ? { type: bytes[at + 6] as number, end }
    : undefined;
}

/** Number of bytes that the checksum of the fragment at `at` covers, type and data; 0 where none can be there. */
function hashedAt(bytes: Uint8Array, at: number, blockEnd: number): number {
  if (blockEnd - at < HEADER_BYTES) return 0;
  const type = bytes[at + 6] as number;
  const length = 1 + (bytes[at + 4] as number) + 256 * (bytes[at + 5] as number);
  return type >= FULL && type <= LAST && at + HEADER_BYTES - 1 + length <= blockEnd ? length : 0;
}
