import { crc32c, readChecksum } from './crc32c.ts';
import { Fields } from './level-fields.ts';

/**
 * LevelDB's table files (LevelDB, doc/table_format.md): data blocks, filter block, metaindex block, index block, each
 * followed by `type u8 || masked CRC-32C of block and type`; then a footer of 48 bytes, which ends in a fixed number:
 *
 *   offset and size of the metaindex block || offset and size of the index block (LEB128) || zeros || magic, 8 bytes
 */
const TRAILER_BYTES = 5;
const FOOTER_BYTES = 48;
const MAGIC = Uint8Array.of(0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb);

interface Handle {
  readonly offset: number;
  readonly size: number;
}

/**
 * Whether every block of a table has the checksum that was stored with it, and the blocks make up the whole file. LevelDB
 * itself checks none of that on reads: a changed bit in a key makes its record one that isn't there, and an older
 * record of the key, in another table, the newest.
 */
export function isIntactTable(bytes: Uint8Array): boolean {
  const end = bytes.length - FOOTER_BYTES;
  if (end < 0 || !MAGIC.every((byte, i) => bytes[bytes.length - MAGIC.length + i] === byte)) return false;
  const footer = new Fields(bytes.subarray(end));
  const metaindex = readHandle(footer);
  const index = readHandle(footer);
  if (!isIntactBlock(bytes, metaindex) || !isIntactBlock(bytes, index)) return false;

  const blocks = [
    ...handlesIn(blockOf(bytes, index)),
    ...handlesIn(blockOf(bytes, metaindex)),
    metaindex,
    index,
  ];
  let next = 0;
  for (const block of blocks) {
    if (block.offset !== next || !isIntactBlock(bytes, block)) return false;
    next += block.size + TRAILER_BYTES;
  }
  return next === end;
}

function readHandle(fields: Fields): Handle {
  return { offset: fields.number(), size: fields.number() };
}

function blockOf(bytes: Uint8Array, { offset, size }: Handle): Uint8Array {
  return bytes.subarray(offset, offset + size);
}

function isIntactBlock(bytes: Uint8Array, { offset, size }: Handle): boolean {
  const typeAt = offset + size;
  if (typeAt + TRAILER_BYTES > bytes.length) return false;
  // Our tables are not compressed (level-db.ts), and what is read below is not decompressed.
  if (bytes[typeAt] !== 0) return false;
  return readChecksum(bytes, typeAt + 1) === crc32c(bytes, offset, typeAt + 1);
}

/**
 * The blocks that an index block names, in its order. It holds records `shared || unshared || value length (LEB128) || rest
 * of the key || value`, then the restart points: u32 each, and their number, u32.
 */
function handlesIn(block: Uint8Array): Handle[] {
  const restarts = new DataView(block.buffer, block.byteOffset + block.length - 4, 4).getUint32(0, true);
  const end = block.length - 4 * (restarts + 1);
  const fields = new Fields(block.subarray(0, Math.max(0, end)));
  const handles: Handle[] = [];
  while (!fields.done) {
    fields.number();
    const unshared = fields.number();
    fields.number();
    fields.skip(unshared);
    handles.push(readHandle(fields));
  }
  return handles;
}
