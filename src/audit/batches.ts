import { PsephosError } from '../base/errors.ts';
import type { EntryTask } from './checker.ts';
import type { LogSource } from './source.ts';

/** A task's worth: some 20 ms of checking, so that handing it over costs next to nothing. */
const BATCH_ENTRIES = 256;
/** Large ballots come in smaller batches, and roll entries one by one: each is a thousand keys to check. */
const BATCH_BYTES = 64 * 1024;

/** Entries packed for a task. */
export type Batch = Pick<EntryTask, 'bytes' | 'lengths'>;

/** How reading a log ended: at its end, at the point up to which it was wanted, or where it is damaged. */
export type Ending =
  { readonly why: 'end' | 'stopped' } | { readonly why: 'damaged'; readonly message: string };

/**
 * Reads a log's entries into batches, in order; returns how it ended. `stopAtBoundary` is asked once there are entries
 * beyond `boundary` whether to leave it there. Failures to read are thrown, except a source's word that its content is
 * damaged: that is a fact about the log, and the entries before it are still given.
 */
export async function* batchesOf(
  source: LogSource,
  boundary: number | undefined,
  stopAtBoundary: () => Promise<boolean>,
): AsyncGenerator<Batch, Ending> {
  const packer = new Packer();
  const chunks = readable(source);
  try {
    let position = 0;
    for (;;) {
      const next = await chunks.next();
      if (next.done === true) {
        if (packer.count > 0) yield packer.take();
        return next.value;
      }
      for (const entry of next.value) {
        if (position === boundary && (await stopAtBoundary())) {
          if (packer.count > 0) yield packer.take();
          return { why: 'stopped' };
        }
        packer.add(entry);
        position++;
        if (packer.isFull) yield packer.take();
      }
    }
  } finally {
    await chunks.return({ why: 'stopped' });
  }
}

/** What a source says of damage to the log itself; undefined for every other failure. */
export function damage(error: unknown): string | undefined {
  return error instanceof PsephosError && error.kind === 'refused' ? error.message : undefined;
}

/** A source's chunks; after damage, also what is left of the chunk that the source gave up. */
async function* readable(source: LogSource): AsyncGenerator<readonly Uint8Array[], Ending> {
  const chunks = source.entries(0)[Symbol.asyncIterator]();
  let position = 0;
  try {
    // One chunk is always being read while the one before is worked on.
    let ahead = chunks.next();
    for (;;) {
      const chunk = await ahead;
      if (chunk.done === true) return { why: 'end' };
      ahead = chunks.next();
      // It is awaited in its turn; a failure before that must not count as unhandled.
      ahead.catch(() => undefined);
      position += chunk.value.length;
      yield chunk.value;
    }
  } catch (error) {
    if (damage(error) === undefined) throw error;
  } finally {
    await chunks.return?.();
  }
  return yield* upToDamage(source, position);
}

/** Entries to begin with when reading on after damage; sources give up no more than about as many. */
const LARGEST_RANGE = 1024;

/** Reads on from `position` in ranges that halve with each failure, and so ends right before the first entry that fails. */
async function* upToDamage(
  source: LogSource,
  position: number,
): AsyncGenerator<readonly Uint8Array[], Ending> {
  let message = '';
  for (let length = LARGEST_RANGE; length >= 1;) {
    const end = position + length;
    try {
      for await (const chunk of source.entries(position, end)) {
        position += chunk.length;
        yield chunk;
      }
      if (position < end) return { why: 'end' };
    } catch (error) {
      const found = damage(error);
      if (found === undefined) throw error;
      message = found;
      length = Math.floor(length / 2);
    }
  }
  return { why: 'damaged', message };
}

/** Gathers entries into batches. */
class Packer {
  #entries: Uint8Array[] = [];
  #bytes = 0;

  get count(): number {
    return this.#entries.length;
  }

  get isFull(): boolean {
    return this.#entries.length >= BATCH_ENTRIES || this.#bytes >= BATCH_BYTES;
  }

  add(entry: Uint8Array): void {
    this.#entries.push(entry);
    this.#bytes += entry.length;
  }

  take(): Batch {
    const bytes = new Uint8Array(this.#bytes);
    const lengths = new Uint32Array(this.#entries.length);
    let index = 0;
    let offset = 0;
    for (const entry of this.#entries) {
      bytes.set(entry, offset);
      offset += entry.length;
      lengths[index++] = entry.length;
    }
    this.#entries = [];
    this.#bytes = 0;
    return { bytes, lengths };
  }
}
