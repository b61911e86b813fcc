import { TileAppender } from '#src/log/tiles.js';
import type { Tile, TileReader } from '#src/log/tiles.js';

/** Tiles in memory, as a store would hold them: a later write of a tile replaces the earlier one. */
export class TileStore {
  readonly tiles = new Map<string, Uint8Array>();
  /** Every read, in order, as `level/index`. */
  readonly reads: string[] = [];

  write(tiles: readonly Tile[]): void {
    for (const { level, index, bytes } of tiles) this.tiles.set(`${level}/${index}`, bytes.slice());
  }

  readonly read: TileReader = (level, index) => {
    this.reads.push(`${level}/${index}`);
    return Promise.resolve(this.tiles.get(`${level}/${index}`));
  };
}

/** A store of `leaves`, appended in batches of `batch`. */
export function storeOf(
  leaves: readonly Uint8Array[],
  batch = 256,
): { store: TileStore; appender: TileAppender } {
  const store = new TileStore();
  const appender = new TileAppender();
  for (let at = 0; at < leaves.length; at += batch)
    store.write(appender.append(leaves.slice(at, at + batch)));
  return { store, appender };
}

/** Leaf hashes that tell their position, without hashing anything. */
export function numberedLeaves(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, index) => {
    const leaf = new Uint8Array(32);
    new DataView(leaf.buffer).setUint32(28, index + 1);
    return leaf;
  });
}
