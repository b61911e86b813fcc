import type { Level } from 'level';
import { damaged, readError } from './damage.ts';
import { type KeyRange, checkpointKey, decodeText, entryKey, familyRange, numberInKey } from './layout.ts';
import { unseal } from './seal.ts';

/** Records in one read of a scan, and bytes after which it ends early: what a slow reader of the log holds in memory. */
const SCAN_RECORDS = 500;
const SCAN_BYTES = 1 << 20;

type Records = readonly (readonly [key: string, value: Uint8Array])[];

/** Reads sealed records; whatever comes back is what was stored, or the read throws `store-damaged`. */
export class LevelReader {
  readonly #db: Level<string, Uint8Array>;

  constructor(db: Level<string, Uint8Array>) {
    this.#db = db;
  }

  /**
   * Reads one record. On this thread: nearly all are in LevelDB's memory, where a read takes 5 µs, and handing one to the thread
   * pool and back takes 30 to 120 µs of a core that has ballots to check.
   */
  get(key: string): Promise<Uint8Array | undefined> {
    try {
      return Promise.resolve(openIfThere(key, this.#db.getSync(key)));
    } catch (error) {
      return Promise.reject(readError(error, describe(key)));
    }
  }

  /** The number in the last key of a family; undefined where it has none. */
  async lastNumber(family: 'entry' | 'checkpoint'): Promise<number | undefined> {
    const range = familyRange(family);
    for await (const [last] of this.#scan(
      { ...range, reverse: true, limit: 1 },
      () => `The end of the log`,
    )) {
      const number = last === undefined ? undefined : numberInKey(last[0]);
      if (number === undefined)
        throw damaged(`The log holds a record with the malformed name "${last?.[0] ?? ''}".`);
      return number;
    }
    return undefined;
  }

  /** Entries `from` up to, not including, `to`, all of which must be there: throws `store-damaged` naming the first that isn't. */
  async *entries(from: number, to: number): AsyncGenerator<readonly Uint8Array[], void, undefined> {
    let next = from;
    if (from >= to) return;
    const range = { gte: entryKey(from), lt: entryKey(to) };
    for await (const records of this.#scan(range, () => `Entry ${next}`)) {
      const chunk = records.map(([key, value]) => {
        if (key !== entryKey(next)) throw missing(next);
        next++;
        return value;
      });
      yield chunk;
    }
    if (next < to) throw missing(next);
  }

  /** The checkpoint of exactly `size` entries; undefined for size 0. */
  async checkpoint(size: number): Promise<string | undefined> {
    if (size === 0) return undefined;
    const key = checkpointKey(size);
    const bytes = await this.get(key);
    if (bytes === undefined) throw damaged(`The checkpoint of ${size} entries is missing.`);
    return textOf(key, bytes);
  }

  async *checkpoints(from: number, to: number): AsyncGenerator<string, void, undefined> {
    let reached = from;
    const range = { gte: checkpointKey(from), lt: checkpointKey(to + 1) };
    for await (const records of this.#scan(range, () => `A checkpoint of ${reached} entries or more`)) {
      for (const [key, value] of records) {
        reached = numberInKey(key) ?? reached;
        yield textOf(key, value);
      }
    }
  }

  /** All records of a family, in the order of their keys. */
  async *family(
    name: 'voter' | 'enrolment',
  ): AsyncGenerator<readonly [key: string, value: Uint8Array], void, undefined> {
    let reached = 'the first one';
    for await (const records of this.#scan(
      familyRange(name),
      () => `A ${name}'s record (after ${reached})`,
    )) {
      for (const record of records) {
        reached = record[0];
        yield record;
      }
    }
  }

  async *#scan(
    range: KeyRange & { readonly reverse?: boolean; readonly limit?: number },
    what: () => string,
  ): AsyncGenerator<Records, void, undefined> {
    const iterator = this.#db.iterator({ ...range, highWaterMarkBytes: SCAN_BYTES });
    try {
      for (;;) {
        let batch: [string, Uint8Array][];
        try {
          batch = await iterator.nextv(SCAN_RECORDS);
        } catch (error) {
          throw readError(error, what());
        }
        if (batch.length === 0) return;
        yield batch.map(([key, sealed]) => [key, open(key, sealed)] as const);
      }
    } finally {
      await iterator.close();
    }
  }
}

/** LevelDB gives undefined for a key that it doesn't have, though its types don't say so. */
function openIfThere(key: string, sealed: Uint8Array | undefined): Uint8Array | undefined {
  return sealed === undefined ? undefined : open(key, sealed);
}

function open(key: string, sealed: Uint8Array): Uint8Array {
  const value = unseal(key, sealed);
  if (value === undefined) throw damaged(`${describe(key)} is damaged: its checksum does not match.`);
  return value;
}

function describe(key: string): string {
  const number = numberInKey(key);
  if (key.startsWith('entry/') && number !== undefined) return `Entry ${number}`;
  if (key.startsWith('checkpoint/') && number !== undefined) return `The checkpoint of ${number} entries`;
  return `The index record "${key}"`;
}

function textOf(key: string, bytes: Uint8Array): string {
  const text = decodeText(bytes);
  if (text === undefined) throw damaged(`${describe(key)} is not text.`);
  return text;
}

function missing(seq: number): Error {
  return damaged(`Entry ${seq} is missing from the log.`);
}
