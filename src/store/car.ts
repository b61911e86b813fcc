import { asyncIterableReader } from '@ipld/car/decoder';
import { CID, varint } from 'multiformats';
import { create } from 'multiformats/hashes/digest';
import type { LogSource } from '../audit/source.ts';
import { concatBytes, equalBytes, utf8ToBytes } from '../base/bytes.ts';
import { decodeDagCbor, encodeDagCbor } from '../base/dag-cbor.ts';
import { cidOf } from '../crypto/cid.ts';
import { sha256 } from '../crypto/hash.ts';
import { MAX_ENTRY_BYTES } from '../election/limits.ts';
import { damaged } from './damage.ts';
import { type ExportOptions, type ExportedLog, logToExport, writeExport } from './export.ts';
import { ExportSource, damagedExport, notAnExport, readChunks } from './export-source.ts';
import { decodeText } from './layout.ts';

/**
 * A log as a CAR file, version 1 (ipld.io/specs/transport/car/carv1): a header, then `length || CID || block` for each
 * block; lengths are unsigned LEB128.
 *
 *   header               {roots: [CID of the last entry, CID of the newest checkpoint], version: 1} in DAG-CBOR
 *   an entry             a dag-cbor block, in the log's order
 *   a checkpoint's text  a raw block, after the last entry that it covers
 *
 * All CIDs are version 1 with sha2-256: 36 bytes.
 */
const CODECS = { entry: 0x71, checkpoint: 0x55 } as const;
const SHA2_256 = 0x12;
const CID_BYTES = 36;
/** Where the digest begins in such a CID, after version, codec, hash and length. */
const DIGEST_AT = 4;
/** A header with two roots has 99 bytes; one that is longer is another program's. */
const MAX_HEADER_BYTES = 1024;
const MAX_VARINT_BYTES = 8;

/** Writes a log's entries and checkpoints as a CAR file. Throws as `logToExport` and `createFile`, and what the source throws. */
export async function exportCar(source: LogSource, path: string, options: ExportOptions = {}): Promise<void> {
  const log = await logToExport(source, options);
  const head = await lastEntry(source, log);
  await writeExport(path, options, carParts(log, [cidOf(head), checkpointCid(utf8ToBytes(log.newest))]));
}

async function lastEntry(source: LogSource, log: ExportedLog): Promise<Uint8Array> {
  const last = log.size - 1;
  for await (const [entry] of source.entries(last, log.size)) if (entry !== undefined) return entry;
  throw damaged(`Entry ${last} is missing from the log of ${source.name}.`);
}

async function* carParts(
  log: ExportedLog,
  roots: readonly CID[],
): AsyncGenerator<Uint8Array, void, undefined> {
  const header = encodeDagCbor({ version: 1, roots });
  yield withLength([header]);
  for await (const item of log.items()) {
    const block = item.kind === 'entry' ? item.bytes : utf8ToBytes(item.text);
    const cid = item.kind === 'entry' ? cidOf(block) : checkpointCid(block);
    yield withLength([cid.bytes, block]);
  }
}

function withLength(parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return concatBytes(varint.encodeTo(length, new Uint8Array(varint.encodingLength(length))), ...parts);
}

function checkpointCid(text: Uint8Array): CID {
  return CID.createV1(CODECS.checkpoint, create(SHA2_256, sha256(text)));
}

/**
 * A CAR file of ours as a log. Each block's bytes must have the CID that the file states for it, and the file must end with
 * the block that its header names; else the source throws `export-damaged`, naming the entry and its place in the file.
 * What the entries say is the audit's to judge. Throws `not-an-export` and `fileError`'s errors at once.
 */
export async function openCarSource(path: string): Promise<LogSource> {
  const reader = new CarReader(path);
  await reader.check();
  return new ExportSource(path, reader);
}

type Bytes = ReturnType<typeof asyncIterableReader>;

interface Block {
  readonly kind: 'entry' | 'checkpoint';
  /** As stated. */
  readonly cid: Uint8Array;
  readonly bytes: Uint8Array;
  /** "entry 17, at byte 1234": for errors. */
  readonly name: string;
}

class CarReader {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** Reads the header alone. */
  async check(): Promise<void> {
    const chunks = readChunks(this.#path);
    try {
      await this.#readRoots(asyncIterableReader(chunks));
    } finally {
      await chunks.return();
    }
  }

  async *entries(from: number): AsyncGenerator<Uint8Array, void, undefined> {
    let seq = 0;
    for await (const block of this.#blocks('entry')) if (seq++ >= from) yield this.#checked(block);
  }

  async *checkpoints(): AsyncGenerator<string, void, undefined> {
    for await (const block of this.#blocks('checkpoint')) {
      const text = decodeText(this.#checked(block));
      if (text === undefined) throw damagedExport(this.#path, `${block.name} is not text`);
      yield text;
    }
  }

  #checked(block: Block): Uint8Array {
    if (equalBytes(sha256(block.bytes), block.cid.subarray(DIGEST_AT))) return block.bytes;
    throw damagedExport(this.#path, `${block.name} does not have the bytes that its CID names`);
  }

  /** Blocks of one kind. Unchecked, so that a reader of checkpoints needn't hash what it skips. */
  async *#blocks(kind: Block['kind']): AsyncGenerator<Block, void, undefined> {
    const chunks = readChunks(this.#path);
    const bytes = asyncIterableReader(chunks);
    try {
      const roots = await this.#readRoots(bytes);
      const counts = { entry: 0, checkpoint: 0 };
      let last: Uint8Array | undefined;
      for (;;) {
        const block = await this.#readBlock(bytes, counts);
        if (block === undefined) break;
        if (block.kind !== kind) continue;
        last = block.cid;
        yield block;
      }
      if (last === undefined || !equalBytes(last, roots[kind])) {
        throw damagedExport(this.#path, `it ends before the last ${kind} that its header names`);
      }
    } finally {
      await chunks.return();
    }
  }

  async #readRoots(bytes: Bytes): Promise<Record<Block['kind'], Uint8Array>> {
    const length = await readLength(bytes, MAX_HEADER_BYTES);
    const header = length === undefined ? undefined : await readExactly(bytes, length);
    const decoded = header === undefined ? undefined : decodeDagCbor(header, MAX_HEADER_BYTES);
    const roots = decoded?.ok === true ? rootsOf(decoded.value) : undefined;
    if (roots === undefined)
      throw notAnExport(this.#path, 'it does not begin with the header of such a CAR file');
    return roots;
  }

  /** The next block; undefined at the file's end. */
  async #readBlock(bytes: Bytes, counts: Record<Block['kind'], number>): Promise<Block | undefined> {
    const at = bytes.pos;
    if ((await bytes.upTo(1)).length === 0) return undefined;
    const place = `the block at byte ${at} (after ${counts.entry} entries)`;
    const length = await readLength(bytes, CID_BYTES + MAX_ENTRY_BYTES);
    if (length === undefined) throw damagedExport(this.#path, `${place} has an impossible length`);
    const block = await readExactly(bytes, length);
    if (block === undefined) throw damagedExport(this.#path, `${place} is cut off`);
    const cid = block.subarray(0, CID_BYTES);
    const kind = kindOf(cid);
    if (kind === undefined) throw damagedExport(this.#path, `${place} has a CID that no part of a log has`);
    const name = `${kind} ${counts[kind]++}, at byte ${at},`;
    return { kind, cid, bytes: block.subarray(CID_BYTES), name };
  }
}

function rootsOf(header: unknown): Record<Block['kind'], Uint8Array> | undefined {
  if (typeof header !== 'object' || header === null || !('roots' in header) || !Array.isArray(header.roots))
    return undefined;
  const [entry, checkpoint] = header.roots.map((root: unknown) => CID.asCID(root)?.bytes);
  if (entry === undefined || checkpoint === undefined) return undefined;
  if (kindOf(entry) !== 'entry' || kindOf(checkpoint) !== 'checkpoint') return undefined;
  // One spelling: version 1, two roots, nothing else.
  const ours = encodeDagCbor({ version: 1, roots: [CID.decode(entry), CID.decode(checkpoint)] });
  return equalBytes(encodeDagCbor(header), ours) ? { entry, checkpoint } : undefined;
}

function kindOf(cid: Uint8Array): Block['kind'] | undefined {
  const [version, codec, hash, length] = cid;
  if (cid.length !== CID_BYTES || version !== 1 || hash !== SHA2_256 || length !== CID_BYTES - DIGEST_AT)
    return undefined;
  if (codec === CODECS.entry) return 'entry';
  return codec === CODECS.checkpoint ? 'checkpoint' : undefined;
}

/** A length from 1 to `max` in its shortest form; else undefined. */
async function readLength(bytes: Bytes, max: number): Promise<number | undefined> {
  const start = await bytes.upTo(MAX_VARINT_BYTES);
  const end = start.findIndex((byte) => byte < 128) + 1;
  if (end === 0) return undefined;
  const length = start.subarray(0, end).reduceRight((value, byte) => value * 128 + (byte % 128), 0);
  if (length < 1 || length > max || varint.encodingLength(length) !== end) return undefined;
  bytes.seek(end);
  return length;
}

async function readExactly(bytes: Bytes, length: number): Promise<Uint8Array | undefined> {
  if ((await bytes.upTo(length)).length < length) return undefined;
  return bytes.exactly(length, true);
}
