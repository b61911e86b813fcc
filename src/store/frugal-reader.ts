import { checkpointSize } from './checkpoint-size.ts';
import { damaged } from './damage.ts';
import { type Database, openDatabase } from './level-db.ts';
import { LevelReader } from './level-reader.ts';

/**
 * Bytes of entries after which the database is opened anew. LevelDB maps each table that it reads into memory until it is
 * closed (up to 1,000 of them), so that reading a log through would take as much memory as the log is long.
 */
const REOPEN_AFTER_BYTES = 16 << 20;
/** Checkpoints read at a time: some 100 kB. */
const CHECKPOINTS_AT_ONCE = 500;

/** Reads a private copy of a log in constant memory. Nothing is open between two reads, so any of them may be the last. */
export class FrugalReader {
  readonly #location: string;
  readonly #cacheSize: number;
  #db: Database;
  #reading = 0;
  #bytes = 0;
  #reopening: Promise<void> | undefined;

  /** Takes over the open database at `location`. */
  constructor(location: string, cacheSize: number, db: Database) {
    this.#location = location;
    this.#cacheSize = cacheSize;
    this.#db = db;
  }

  /** As `LevelReader.entries`. */
  async *entries(from: number, to: number): AsyncGenerator<readonly Uint8Array[], void, undefined> {
    for (let next = from; next < to;) {
      const [chunk = []] = await this.#read((reader) => take(reader.entries(next, to), 1));
      for (const entry of chunk) this.#bytes += entry.length;
      next += chunk.length;
      yield chunk;
    }
  }

  /** As `LevelReader.checkpoints`. */
  async *checkpoints(from: number, to: number): AsyncGenerator<string, void, undefined> {
    for (let next = from; next <= to;) {
      const texts = await this.#read((reader) => take(reader.checkpoints(next, to), CHECKPOINTS_AT_ONCE));
      yield* texts;
      const last = texts.at(-1);
      if (last === undefined || texts.length < CHECKPOINTS_AT_ONCE) return;
      const size = checkpointSize(last);
      if (size === undefined || size < next)
        throw damaged(`A checkpoint of ${next} entries or more is malformed.`);
      next = size + 1;
    }
  }

  async close(): Promise<void> {
    await this.#reopening;
    await this.#db.close();
  }

  async #read<T>(read: (reader: LevelReader) => Promise<T>): Promise<T> {
    // Again after each wait: another reader may have been first, and its end the beginning of the next reopening.
    while (this.#reopening !== undefined) await this.#reopening;
    this.#reading++;
    try {
      return await read(new LevelReader(this.#db));
    } finally {
      this.#reading--;
      if (this.#reading === 0 && this.#bytes >= REOPEN_AFTER_BYTES) {
        this.#reopening = this.#reopen();
        // Whoever reads next meets the failure.
        this.#reopening.catch(() => undefined);
      }
    }
  }

  async #reopen(): Promise<void> {
    this.#bytes = 0;
    await this.#db.close();
    this.#db = await openDatabase(this.#location, { create: false, cacheSize: this.#cacheSize });
    this.#reopening = undefined;
  }
}

async function take<T>(items: AsyncIterable<T>, count: number): Promise<T[]> {
  const taken: T[] = [];
  for await (const item of items) {
    taken.push(item);
    if (taken.length === count) break;
  }
  return taken;
}
