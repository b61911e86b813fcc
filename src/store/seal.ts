import { crc32 } from 'node:zlib';

/**
 * Every value in the store carries a checksum over its key and itself, for LevelDB can't be told (through classic-level)
 * to verify its own checksums on reads: a flipped bit in a table file would come back as good data. It finds accidents,
 * not attacks; the chain and the signed tree head find those.
 *
 *   value || CRC-32 (ISO-HDLC, zlib's) of key (UTF-8) || value, 4 bytes big-endian
 */
const CHECKSUM_BYTES = 4;

export function seal(key: string, value: Uint8Array): Uint8Array {
  // From Buffer's pool: a fresh Uint8Array costs more than all the rest, and the batch copies the bytes at once.
  const sealed = Buffer.allocUnsafe(value.length + CHECKSUM_BYTES);
  sealed.set(value);
  sealed.writeUInt32BE(crc32(value, crc32(key)), value.length);
  return sealed;
}

/** The value, or undefined where it is not what was stored under this key. */
export function unseal(key: string, sealed: Uint8Array): Uint8Array | undefined {
  const length = sealed.length - CHECKSUM_BYTES;
  if (length < 0) return undefined;
  const value = new Uint8Array(sealed.buffer, sealed.byteOffset, length);
  const stored = new DataView(sealed.buffer, sealed.byteOffset + length).getUint32(0);
  return crc32(value, crc32(key)) === stored ? value : undefined;
}
