import { refused } from '../base/errors.ts';
import type { PsephosError } from '../base/errors.ts';
import { CompactTree, HASH_BYTES, isTreeSize, nodeHash, perfectSubtrees } from './merkle.ts';
import type { NodePosition, NodeReader } from './merkle.ts';

/**
 * How the Merkle tree is stored: tiles of height 8 (c2sp.org/tlog-tiles). The tile (level, index) is the concatenation
 * of up to 256 hashes, the i-th being that of the perfect subtree over leaves
 * [(index * 256 + i) * 256^level, (index * 256 + i + 1) * 256^level). A full tile never changes; the right edge has at
 * most one partial tile a level, which is rewritten as it grows, and an empty tile is not stored.
 */
const TILE_HEIGHT = 8;
const TILE_WIDTH = 256;
const TILE_BYTES = TILE_WIDTH * HASH_BYTES;
const NO_TILE = new Uint8Array();

export interface TilePosition {
  readonly level: number;
  readonly index: number;
}

export interface Tile extends TilePosition {
  /** Hashes, 32 bytes each. Shared with the appender: not to be changed. */
  readonly bytes: Uint8Array;
}

export interface EdgeTile extends TilePosition {
  /** Hashes in the tile: 1 to 255. */
  readonly width: number;
}

/** Reads one stored tile; `undefined` when there is none. */
export type TileReader = (level: number, index: number) => Promise<Uint8Array | undefined>;

/** The partial tiles of a tree of `size` leaves, lowest level first. Throws RangeError when `size` is no tree size. */
export function rightEdgeTiles(size: number): EdgeTile[] {
  if (!isTreeSize(size)) throw new RangeError(`${size} is not a tree size`);
  const tiles: EdgeTile[] = [];
  for (let level = 0, hashes = size; hashes > 0; level++, hashes = Math.floor(hashes / TILE_WIDTH)) {
    const width = hashes % TILE_WIDTH;
    if (width > 0) tiles.push({ level, index: Math.floor(hashes / TILE_WIDTH), width });
  }
  return tiles;
}

function damaged({ level, index }: TilePosition, fault: string): PsephosError {
  return refused('store-damaged', `Merkle tile ${level}/${index} ${fault}.`, {
    hint: 'Copy the data folder to a safe place, then run verify-log on it: it says which entries are intact.',
  });
}

/** A batch that is hashed but not yet part of the tree. */
export interface PreparedBatch {
  /** Every tile that the batch fills or changes, partial ones included. */
  readonly tiles: readonly Tile[];
  /** Every perfect subtree that the batch completes, single leaves included. */
  readonly nodes: readonly (NodePosition & { readonly hash: Uint8Array })[];
  /** Size and root of the tree with the batch. */
  readonly size: number;
  readonly root: Uint8Array;
  /** Makes the batch part of the tree. Throws when that tree has changed since `prepare`. */
  readonly commit: () => void;
}

interface State {
  readonly tree: CompactTree;
  /** The bytes of each level's partial tile; NO_TILE where there is none. */
  readonly edge: readonly Uint8Array[];
}

/**
 * The tree's right edge in memory. A batch is prepared, its tiles are written, and only then is it committed; dropped
 * instead, it leaves the appender as it was. One node hash a leaf, whatever the tree's size.
 */
export class TileAppender {
  #state: State = { tree: new CompactTree(), edge: [] };

  /**
   * An appender for the stored tree of `size` leaves. Throws `store-damaged` naming the tile when a right-edge tile is
   * missing or has another width than `size` says, and RangeError when `size` is no tree size.
   */
  static async restore(size: number, readTile: TileReader): Promise<TileAppender> {
    const edge: Uint8Array[] = [];
    for (const tile of rightEdgeTiles(size)) {
      const bytes = await readTile(tile.level, tile.index);
      if (bytes === undefined) throw damaged(tile, 'is missing');
      if (bytes.length !== tile.width * HASH_BYTES) {
        throw damaged(
          tile,
          `has ${bytes.length} bytes, where a log of ${size} entries needs ${tile.width * HASH_BYTES}`,
        );
      }
      while (edge.length < tile.level) edge.push(NO_TILE);
      edge.push(bytes.slice());
    }
    const read = tileNodeReader((level) => Promise.resolve(edge[level]), size);
    const appender = new TileAppender();
    appender.#state = { tree: CompactTree.restore(size, await read(perfectSubtrees(0, size))), edge };
    return appender;
  }

  /** Number of leaves, committed batches only. */
  get size(): number {
    return this.#state.tree.size;
  }

  /** MTH of the committed leaves. */
  root(): Uint8Array {
    return this.#state.tree.root();
  }

  /** Works out what `leafHashes` add to the tree, without changing it. Throws RangeError for a hash not of 32 bytes. */
  prepare(leafHashes: readonly Uint8Array[]): PreparedBatch {
    const before = this.#state;
    const tree = before.tree.clone();
    const added: Uint8Array[][] = [];
    const nodes: PreparedBatch['nodes'][number][] = [];
    let leaves = before.tree.size;
    for (const leaf of leafHashes) {
      leaves++;
      tree.append(leaf, (level, hash) => {
        nodes.push({ level, index: leaves / 2 ** level - 1, hash });
        if (level % TILE_HEIGHT === 0) (added[level / TILE_HEIGHT] ??= []).push(hash);
      });
    }

    const tiles: Tile[] = [];
    const edge = [...before.edge];
    for (const [level, hashes] of added.entries()) {
      const bytes = extend(before.edge[level] ?? NO_TILE, hashes);
      let index = Math.floor(before.tree.size / TILE_WIDTH ** (level + 1));
      for (let at = 0; at < bytes.length; at += TILE_BYTES) {
        const tile = bytes.slice(at, at + TILE_BYTES);
        tiles.push({ level, index, bytes: tile });
        edge[level] = tile.length === TILE_BYTES ? NO_TILE : tile;
        index++;
      }
    }

    const after: State = { tree, edge };
    const commit = (): void => {
      if (this.#state !== before) throw new Error('the tree has changed since this batch was prepared');
      this.#state = after;
    };
    return { tiles, nodes, size: tree.size, root: tree.root(), commit };
  }

  /** Prepares and commits at once, for callers that have no write to wait for. */
  append(leafHashes: readonly Uint8Array[]): readonly Tile[] {
    const batch = this.prepare(leafHashes);
    batch.commit();
    return batch.tiles;
  }
}

function extend(start: Uint8Array, hashes: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(start.length + hashes.length * HASH_BYTES);
  bytes.set(start);
  let at = start.length;
  for (const hash of hashes) {
    bytes.set(hash, at);
    at += HASH_BYTES;
  }
  return bytes;
}

/** Hashes inside one tile: `hash(0, i)` is the tile's i-th, `hash(height, i)` covers 2^height of them. */
class TileHashes {
  readonly #bytes: Uint8Array;
  readonly #known: Uint8Array[][] = [];

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  hash(height: number, index: number): Uint8Array {
    if (height === 0) return this.#bytes.slice(index * HASH_BYTES, (index + 1) * HASH_BYTES);
    const known = (this.#known[height] ??= []);
    return (known[index] ??= nodeHash(
      this.hash(height - 1, index * 2),
      this.hash(height - 1, index * 2 + 1),
    ));
  }
}

/**
 * Reads perfect subtrees of the tree of `size` leaves from its tiles, which may since have grown. A call reads each tile
 * at most once and hashes each node at most once. It throws `store-damaged` naming the tile when one is missing or short,
 * and RangeError for a subtree that the tree lacks.
 */
export function tileNodeReader(readTile: TileReader, size: number): NodeReader {
  const load = async (tile: TilePosition): Promise<TileHashes> => {
    const bytes = await readTile(tile.level, tile.index);
    if (bytes === undefined) throw damaged(tile, 'is missing');
    const hashes = Math.floor(size / TILE_WIDTH ** tile.level) - tile.index * TILE_WIDTH;
    const needed = Math.min(hashes, TILE_WIDTH) * HASH_BYTES;
    if (bytes.length < needed) {
      throw damaged(tile, `has ${bytes.length} bytes, where a log of ${size} entries needs ${needed}`);
    }
    return new TileHashes(bytes);
  };

  return async (nodes) => {
    const wanted = nodes.map(({ level, index }) => {
      if ((index + 1) * 2 ** level > size)
        throw new RangeError(`a tree of ${size} leaves lacks node ${level}/${index}`);
      const height = level % TILE_HEIGHT;
      const perTile = TILE_WIDTH / 2 ** height;
      const tile = { level: Math.floor(level / TILE_HEIGHT), index: Math.floor(index / perTile) };
      return { tile, key: `${tile.level}/${tile.index}`, height, place: index % perTile };
    });
    const distinct = new Map(wanted.map(({ key, tile }) => [key, tile]));
    const entries = [...distinct].map(async ([key, tile]) => [key, await load(tile)] as const);
    const tiles = new Map(await Promise.all(entries));
    return wanted.map(({ key, height, place }) => (tiles.get(key) as TileHashes).hash(height, place));
  };
}
