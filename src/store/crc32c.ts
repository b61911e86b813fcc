const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});

/** CRC-32C (Castagnoli; RFC 3720 appendix B.4), which zlib doesn't have, of bytes `from` up to, not including, `to`. */
export function crc32c(bytes: Uint8Array, from: number, to: number): number {
  let crc = 0xffffffff;
  for (let i = from; i < to; i++) crc = (TABLE[(crc ^ (bytes[i] as number)) & 255] as number) ^ (crc >>> 8);
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
