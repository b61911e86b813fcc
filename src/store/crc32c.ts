const STEP = 8;
const BYTE_VALUES = 256;

/** Row k holds, for each byte, what it changes in the checksum when k bytes follow it in the same step. */
const ROWS = new Int32Array(STEP * BYTE_VALUES);
for (let byte = 0; byte < BYTE_VALUES; byte++) {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  ROWS[byte] = crc;
}
for (let at = BYTE_VALUES; at < ROWS.length; at++) {
  const shorter = ROWS[at - BYTE_VALUES] as number;
  ROWS[at] = (ROWS[shorter & 255] as number) ^ (shorter >>> 8);
}
const row = (following: number, byte: number) => ROWS[following * BYTE_VALUES + byte] as number;

/**
 * CRC-32C (Castagnoli; RFC 3720 appendix B.4), which zlib doesn't have, of bytes `from` up to, not including, `to`. Eight
 * bytes a step, which don't wait for one another: a log is read through before an audit, and a byte a step takes three times as long.
 */
export function crc32c(bytes: Uint8Array, from: number, to: number): number {
  const byte = (at: number) => bytes[at] as number;
  let crc = -1;
  let i = from;
  for (; i + STEP <= to; i += STEP) {
    const low = crc ^ (byte(i) | (byte(i + 1) << 8) | (byte(i + 2) << 16) | (byte(i + 3) << 24));
    crc =
      row(7, low & 255) ^
      row(6, (low >>> 8) & 255) ^
      row(5, (low >>> 16) & 255) ^
      row(4, low >>> 24) ^
      row(3, byte(i + 4)) ^
      row(2, byte(i + 5)) ^
      row(1, byte(i + 6)) ^
      row(0, byte(i + 7));
  }
  for (; i < to; i++) crc = row(0, (crc ^ byte(i)) & 255) ^ (crc >>> 8);
  return ~crc >>> 0;
}

/**
 * The checksum that LevelDB stored at `at`: little-endian, and masked, since a CRC of data that holds its own CRC is weak
 * (LevelDB, util/crc32c.h).
 */
export function readChecksum(bytes: Uint8Array, at: number): number {
  const masked = new DataView(bytes.buffer, bytes.byteOffset + at, 4).getUint32(0, true);
  const rotated = (masked - 0xa282ead8) >>> 0;
  return ((rotated >>> 17) | (rotated << 15)) >>> 0;
}
