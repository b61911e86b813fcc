import type { NodePosition, NodeReader } from './merkle.ts';

/** Nodes near the leaves, of which proofs of recent entries need those nearby; and those above, of which there are few. */
const LOW_LEVELS = 4;
const MAX_LOW = 8192;
const MAX_HIGH = 65_536;
const LEVELS = 64;

/**
 * Hashes of perfect subtrees, which never change once they are whole; the oldest go first. Without it the proof of one new entry
 * means hashing most of a tile again at each of its levels: about a millisecond for each batch of ballots.
 */
export class NodeCache {
  readonly #low = new Map<number, Uint8Array>();
  readonly #high = new Map<number, Uint8Array>();

  get({ level, index }: NodePosition): Uint8Array | undefined {
    return (level < LOW_LEVELS ? this.#low : this.#high).get(index * LEVELS + level);
  }

  put({ level, index }: NodePosition, hash: Uint8Array): void {
    const isLow = level < LOW_LEVELS;
    const nodes = isLow ? this.#low : this.#high;
    nodes.set(index * LEVELS + level, hash);
    if (nodes.size <= (isLow ? MAX_LOW : MAX_HIGH)) return;
    const oldest = nodes.keys().next();
    if (oldest.done !== true) nodes.delete(oldest.value);
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
