import { HASH_BYTES, type NodePosition, type NodeReader } from './merkle.ts';

/** Levels near the leaves: proofs of recent entries need the nodes beside them. Above, nodes are few and are all kept. */
const LOW_LEVELS = 4;
/** How many of the newest nodes are kept at level 0; half as many at each level above. */
const NEWEST_LEAVES = 8192;
const MAX_HIGH = 65_536;
const LEVELS = 64;

/**
 * Hashes of perfect subtrees, which never change once they are whole; the oldest go first. Without it the proof of one new entry
 * means hashing most of a tile again at each of its levels: about a millisecond for each batch of ballots.
 */
export class NodeCache {
  readonly #low = Array.from({ length: LOW_LEVELS }, (_, level) => new NewestNodes(NEWEST_LEAVES >> level));
  readonly #high = new Map<number, Uint8Array>();

  get({ level, index }: NodePosition): Uint8Array | undefined {
    const low = this.#low[level];
    return low === undefined ? this.#high.get(index * LEVELS + level) : low.get(index);
  }

  put({ level, index }: NodePosition, hash: Uint8Array): void {
    const low = this.#low[level];
    if (low !== undefined) {
      low.put(index, hash);
      return;
    }
    this.#high.set(index * LEVELS + level, hash);
    if (this.#high.size <= MAX_HIGH) return;
    const oldest = this.#high.keys().next();
    if (oldest.done !== true) this.#high.delete(oldest.value);
  }
}

/** The newest nodes of one level, in two flat arrays: as objects, thousands of them would keep the garbage collector busy. */
class NewestNodes {
  readonly #indexes: Float64Array;
  readonly #hashes: Uint8Array;

  constructor(count: number) {
    this.#indexes = new Float64Array(count).fill(-1);
    this.#hashes = new Uint8Array(count * HASH_BYTES);
  }

  get(index: number): Uint8Array | undefined {
    const at = index % this.#indexes.length;
    if (this.#indexes[at] !== index) return undefined;
    return this.#hashes.slice(at * HASH_BYTES, (at + 1) * HASH_BYTES);
  }

  put(index: number, hash: Uint8Array): void {
    const at = index % this.#indexes.length;
    this.#indexes[at] = index;
    this.#hashes.set(hash, at * HASH_BYTES);
  }
}

/** Reads nodes from the cache, and those that it lacks from `read`, which it remembers. */
export function cachedNodeReader(cache: NodeCache, read: NodeReader): NodeReader {
  return async (nodes) => {
    const missing = nodes.filter((node) => cache.get(node) === undefined);
    const fetched = missing.length === 0 ? [] : await read(missing);
    const found = new Map(missing.map((node, at) => [node, fetched[at] as Uint8Array]));
    const hashes = nodes.map((node) => found.get(node) ?? (cache.get(node) as Uint8Array));
    for (const [node, hash] of found) cache.put(node, hash);
    return hashes;
  };
}
