import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { LogSource } from '../audit/source.ts';
import { type PsephosError, refused, unusable } from '../base/errors.ts';
import { checkpointSize } from './checkpoint-size.ts';
import { fileError } from './fs-errors.ts';

/** What a reader of an export's file yields, in the file's order. */
export interface ExportReader {
  /** Entries `from` and on. Those before it need not be looked into. */
  entries(from: number): AsyncIterable<Uint8Array>;
  /** All checkpoints. Entries need not be looked into. */
  checkpoints(): AsyncIterable<string>;
}

const CHUNK_ENTRIES = 500;
const CHUNK_BYTES = 1 << 20;

/** A log read from a file, from its start at each call: nothing of it stays in memory. */
export class ExportSource implements LogSource {
  readonly name: string;
  readonly #reader: ExportReader;
  #latest: Promise<string | undefined> | undefined;

  constructor(path: string, reader: ExportReader) {
    this.name = path;
    this.#reader = reader;
  }

  async *entries(from: number, to = Infinity): AsyncGenerator<readonly Uint8Array[], void, undefined> {
    if (from >= to) return;
    let chunk: Uint8Array[] = [];
    let bytes = 0;
    let next = from;
    for await (const entry of this.#reader.entries(from)) {
      chunk.push(entry);
      bytes += entry.length;
      next++;
      if (next === to) break;
      if (chunk.length < CHUNK_ENTRIES && bytes < CHUNK_BYTES) continue;
      yield chunk;
      chunk = [];
      bytes = 0;
    }
    if (chunk.length > 0) yield chunk;
  }

  async *checkpoints(from: number): AsyncGenerator<string, void, undefined> {
    let last = -1;
    for await (const text of this.#reader.checkpoints()) {
      const size = checkpointSize(text);
      if (size === undefined)
        throw damagedExport(this.name, `the checkpoint after the one of size ${last} can't be read`);
      if (size <= last)
        throw damagedExport(this.name, `a checkpoint of size ${size} comes after one of size ${last}`);
      last = size;
      if (size >= from) yield text;
    }
  }

  latestCheckpoint(): Promise<string | undefined> {
    this.#latest ??= this.#findLatest();
    return this.#latest;
  }

  async #findLatest(): Promise<string | undefined> {
    let latest: string | undefined;
    for await (const text of this.checkpoints(0)) latest = text;
    return latest;
  }
}

/** An export that is not what was written. `where` says what is wrong and at which place. */
export function damagedExport(path: string, where: string, cause?: unknown): PsephosError {
  return refused('export-damaged', `The export ${path} is damaged: ${where}.`, {
    hint: 'Get another copy of the file, or export the log again.',
    cause,
  });
}

export function notAnExport(path: string, why: string): PsephosError {
  return unusable('not-an-export', `${path} is not an export of a log: ${why}.`, {
    hint: 'Exports are made with: admin export (a .car or a .jsonl file).',
  });
}

/** The bytes of a file in chunks of a megabyte. Throws `fileError`'s errors. */
export async function* readChunks(path: string): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    const found = await stat(path);
    if (found.isDirectory()) throw Object.assign(new Error(path), { code: 'EISDIR' });
    yield* createReadStream(path, { highWaterMark: CHUNK_BYTES }) as AsyncIterable<Buffer>;
  } catch (error) {
    throw fileError(error, path);
  }
}
