import type { FileHandle } from 'node:fs/promises';
import type { LogSource } from '../audit/source.ts';
import { refused } from '../base/errors.ts';
import { createFile } from './files.ts';
import { checkpointSize } from './checkpoint-size.ts';
import { damaged } from './damage.ts';

export interface ExportOptions {
  /** Replaces a file of that name; else `file-exists` is thrown. */
  readonly force?: boolean;
  /** Called now and then with the number of entries written so far, and of all that will be. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** An item of an export, in order: each entry by its index, each checkpoint after the last entry that it covers. */
export type ExportItem =
  | { readonly kind: 'entry'; readonly seq: number; readonly bytes: Uint8Array }
  | { readonly kind: 'checkpoint'; readonly text: string };

export interface ExportedLog {
  /** Number of entries: as many as the newest checkpoint covers. */
  readonly size: number;
  readonly newest: string;
  items(): AsyncGenerator<ExportItem, void, undefined>;
}

/** The log as it is now; it may grow on meanwhile. Throws `nothing-to-export` where no checkpoint is there yet. */
export async function logToExport(source: LogSource, options: ExportOptions): Promise<ExportedLog> {
  const newest = await source.latestCheckpoint();
  if (newest === undefined) throw refused('nothing-to-export', `The log of ${source.name} is empty.`);
  const size = sizeOrDamaged(newest);
  return { size, newest, items: () => items(source, size, options) };
}

async function* items(
  source: LogSource,
  size: number,
  options: ExportOptions,
): AsyncGenerator<ExportItem, void, undefined> {
  const checkpoints = source.checkpoints(0)[Symbol.asyncIterator]();
  try {
    let seq = 0;
    let checkpoint = await checkpoints.next();
    for await (const chunk of source.entries(0, size)) {
      for (const bytes of chunk) {
        yield { kind: 'entry', seq, bytes };
        seq++;
        while (checkpoint.done !== true && sizeOrDamaged(checkpoint.value) <= seq) {
          yield { kind: 'checkpoint', text: checkpoint.value };
          checkpoint = await checkpoints.next();
        }
      }
      options.onProgress?.(seq, size);
    }
    if (seq < size) throw damaged(`Entry ${seq} is missing from the log of ${source.name}.`);
  } finally {
    await checkpoints.return?.();
  }
}

function sizeOrDamaged(checkpoint: string): number {
  const size = checkpointSize(checkpoint);
  if (size === undefined) throw damaged('A checkpoint of the log can not be read.');
  return size;
}

const WRITE_BYTES = 1 << 20;

/** Writes an export's parts to its file, whole or not at all, a megabyte at a time. Throws as `createFile`. */
export async function writeExport(
  path: string,
  options: ExportOptions,
  parts: AsyncIterable<Uint8Array>,
): Promise<void> {
  await createFile(path, { mode: 0o644, overwrite: options.force ?? false }, async (file) => {
    let waiting: Uint8Array[] = [];
    let length = 0;
    for await (const part of parts) {
      waiting.push(part);
      length += part.length;
      if (length < WRITE_BYTES) continue;
      await append(file, waiting);
      waiting = [];
      length = 0;
    }
    await append(file, waiting);
  });
}

async function append(file: FileHandle, parts: readonly Uint8Array[]): Promise<void> {
  if (parts.length > 0) await file.writeFile(Buffer.concat(parts));
}
