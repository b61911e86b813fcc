import type { StoreBatch } from '../services/ports.ts';

/** Tiles that are kept: the right edge, and one full tile a level at the batch in which it was filled. */
const MAX_TILES = 64;

/**
 * The newest batch, as it went to disk. The receipts of its ballots are asked for at once, all with the same tile, entry
 * after entry and one checkpoint: reading those back would cost more than the commit did. It keeps the caller's arrays, which
 * must not change any more.
 */
export class RecentBatch {
  #from: number;
  #size: number;
  #entries: readonly Uint8Array[] = [];
  #checkpoint: string | undefined;
  readonly #tiles = new Map<string, Uint8Array>();

  /** `checkpoint` covers the log's `size` entries. */
  constructor(size: number, checkpoint: string | undefined) {
    this.#from = size;
    this.#size = size;
    this.#checkpoint = checkpoint;
  }

  get latest(): string | undefined {
    return this.#checkpoint;
  }

  set(batch: StoreBatch): void {
    this.#from = batch.from;
    this.#size = batch.checkpoint.size;
    this.#entries = batch.entries;
    this.#checkpoint = batch.checkpoint.text;
    for (const { level, index, bytes } of batch.tiles) {
      const key = `${level}/${index}`;
      this.#tiles.delete(key);
      this.#tiles.set(key, bytes);
    }
    for (const oldest of this.#tiles.keys()) {
      if (this.#tiles.size <= MAX_TILES) break;
      this.#tiles.delete(oldest);
    }
  }

  entry(seq: number): Uint8Array | undefined {
    return this.#entries[seq - this.#from];
  }

  tile(level: number, index: number): Uint8Array | undefined {
    return this.#tiles.get(`${level}/${index}`);
  }

  forgetTiles(): void {
    this.#tiles.clear();
  }

  /** Checkpoints of size `from` and more, where the batch alone says which; else undefined. */
  checkpoints(from: number): readonly string[] | undefined {
    const newest = this.#checkpoint;
    if (newest === undefined || from <= this.#from) return undefined;
    return from <= this.#size ? [newest] : [];
  }
}
