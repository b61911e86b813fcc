import { equalBytes } from '../base/bytes.ts';
import { sha256 } from '../crypto/hash.ts';

/**
 * The log's Merkle tree: RFC 6962 section 2.1 over SHA-256, an entry's bytes being a leaf. Three parts that share no
 * state: `CompactTree` appends, the makers build proofs from stored subtree hashes, the verifiers need nothing stored.
 *
 * Sizes and indexes go up to 2^53 - 1, so they are divided and never shifted: JavaScript's bit operators cut at 32 bits.
 */
export const HASH_BYTES = 32;

const LEAF = Uint8Array.of(0x00);
const NODE = Uint8Array.of(0x01);

/** MTH of one entry: SHA-256(0x00 || entry). */
export function leafHash(entry: Uint8Array): Uint8Array {
  return sha256(LEAF, entry);
}

/** Hash of an inner node: SHA-256(0x01 || left || right). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(NODE, left, right);
}

/** MTH of the tree without leaves: SHA-256 of nothing. */
export function emptyRoot(): Uint8Array {
  return sha256();
}

/** Whether `value` can be the size of a tree. */
export function isTreeSize(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/** Position of a perfect subtree: the `index`-th from the left among those of 2^level leaves. */
export interface NodePosition {
  readonly level: number;
  readonly index: number;
}

interface LeafRange {
  readonly from: number;
  readonly to: number;
}

/**
 * The perfect subtrees that leaves [from, to) consist of, left to right, largest first. `from` must be a multiple of
 * the largest one's size, as it is for every range that RFC 6962 splits off.
 */
export function perfectSubtrees(from: number, to: number): NodePosition[] {
  const nodes: NodePosition[] = [];
  // Rounded up, since engines need not give the exact logarithm even of a power of two.
  let level = Math.min(52, Math.ceil(Math.log2(to - from)));
  for (let at = from; at < to; at += 2 ** level) {
    while (2 ** level > to - at) level--;
    nodes.push({ level, index: at / 2 ** level });
  }
  return nodes;
}

/** Root over perfect subtrees in the order of `perfectSubtrees`. */
function foldSubtrees(hashes: readonly Uint8Array[]): Uint8Array {
  return hashes.length === 0 ? emptyRoot() : hashes.reduceRight((right, left) => nodeHash(left, right));
}

/**
 * A tree that remembers only its right edge: enough to append and to give the root. It keeps the hashes it is given,
 * which must not be changed afterwards.
 */
export class CompactTree {
  #size = 0;
  #edge: Uint8Array[] = [];

  /** A tree of `size` leaves from its `edge`; throws RangeError when the two can't belong together. */
  static restore(size: number, edge: readonly Uint8Array[]): CompactTree {
    if (!isTreeSize(size)) throw new RangeError(`${size} is not a tree size`);
    const expected = perfectSubtrees(0, size).length;
    if (edge.length !== expected || edge.some((hash) => hash.length !== HASH_BYTES)) {
      throw new RangeError(
        `a tree of ${size} leaves has an edge of ${expected} hashes of ${HASH_BYTES} bytes`,
      );
    }
    const tree = new CompactTree();
    tree.#size = size;
    tree.#edge = [...edge];
    return tree;
  }

  /** Number of leaves. */
  get size(): number {
    return this.#size;
  }

  /** Hashes of the perfect subtrees that make up the tree, left to right: all that `restore` needs. */
  get edge(): readonly Uint8Array[] {
    return [...this.#edge];
  }

  /**
   * Appends one leaf hash. `onNode` gets each perfect subtree that this completes, from the leaf (level 0) upwards.
   * Throws RangeError for a hash of another length than 32 bytes.
   */
  append(leaf: Uint8Array, onNode?: (level: number, hash: Uint8Array) => void): void {
    if (leaf.length !== HASH_BYTES)
      throw new RangeError(`a leaf hash has ${HASH_BYTES} bytes, not ${leaf.length}`);
    let hash = leaf;
    let level = 0;
    onNode?.(level, hash);
    for (let rest = this.#size; rest % 2 === 1; rest = (rest - 1) / 2) {
      hash = nodeHash(this.#edge.pop() as Uint8Array, hash);
      level++;
      onNode?.(level, hash);
    }
    this.#edge.push(hash);
    this.#size++;
  }

  /** MTH of all leaves so far. */
  root(): Uint8Array {
    return foldSubtrees(this.#edge);
  }

  clone(): CompactTree {
    const tree = new CompactTree();
    tree.#size = this.#size;
    tree.#edge = [...this.#edge];
    return tree;
  }
}

// Verifying. All inputs may come from an adversary: anything malformed is false, never an exception.

const isHash = (bytes: Uint8Array): boolean => bytes.length === HASH_BYTES;

/**
 * Whether `proof` shows that the leaf at `index` of the tree of `size` leaves with `root` is `leafHash` (RFC 9162 section
 * 2.1.3.2). A root doesn't commit to its size: `size` and `root` must come from one checkpoint.
 */
export function verifyInclusion(claim: {
  readonly leafHash: Uint8Array;
  readonly index: number;
  readonly size: number;
  readonly proof: readonly Uint8Array[];
  readonly root: Uint8Array;
}): boolean {
  const { index, size, proof, root } = claim;
  if (!isTreeSize(index) || !isTreeSize(size) || index >= size) return false;
  if (!isHash(claim.leafHash) || !isHash(root) || !proof.every(isHash)) return false;
  let node = index;
  let last = size - 1;
  let hash = claim.leafHash;
  for (const sibling of proof) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      hash = nodeHash(sibling, hash);
      while (node % 2 === 0 && node !== 0) [node, last] = [node / 2, Math.floor(last / 2)];
    } else {
      hash = nodeHash(hash, sibling);
    }
    [node, last] = [Math.floor(node / 2), Math.floor(last / 2)];
  }
  return last === 0 && equalBytes(hash, root);
}

function isPowerOfTwo(value: number): boolean {
  let rest = value;
  while (rest > 1 && rest % 2 === 0) rest /= 2;
  return rest === 1;
}

/**
 * Whether `proof` shows that the tree of `first` leaves with `firstRoot` is a prefix of the tree of `second` leaves with
 * `secondRoot` (RFC 9162 section 2.1.4.2). Of equal sizes the roots must be equal and the proof empty; the empty tree, on
 * which the RFC is silent, is a prefix of every tree by an empty proof.
 */
export function verifyConsistency(claim: {
  readonly first: number;
  readonly second: number;
  readonly firstRoot: Uint8Array;
  readonly secondRoot: Uint8Array;
  readonly proof: readonly Uint8Array[];
}): boolean {
  const { first, second, firstRoot, secondRoot, proof } = claim;
  if (!isTreeSize(first) || !isTreeSize(second) || first > second) return false;
  if (!isHash(firstRoot) || !isHash(secondRoot) || !proof.every(isHash)) return false;
  if (first === 0 && !equalBytes(firstRoot, emptyRoot())) return false;
  if (first === second) return proof.length === 0 && equalBytes(firstRoot, secondRoot);
  if (first === 0) return proof.length === 0;

  if (proof.length === 0) return false;
  // A first tree that is one perfect subtree is where the path starts, so the proof leaves it out.
  const [start, ...path] = (isPowerOfTwo(first) ? [firstRoot, ...proof] : proof) as [
    Uint8Array,
    ...Uint8Array[],
  ];
  let node = first - 1;
  let last = second - 1;
  while (node % 2 === 1) [node, last] = [Math.floor(node / 2), Math.floor(last / 2)];
  let firstHash = start;
  let secondHash = start;
  for (const sibling of path) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      firstHash = nodeHash(sibling, firstHash);
      secondHash = nodeHash(sibling, secondHash);
      while (node % 2 === 0 && node !== 0) [node, last] = [node / 2, Math.floor(last / 2)];
    } else {
      secondHash = nodeHash(secondHash, sibling);
    }
    [node, last] = [Math.floor(node / 2), Math.floor(last / 2)];
  }
  return last === 0 && equalBytes(firstHash, firstRoot) && equalBytes(secondHash, secondRoot);
}

// Making proofs.

/** Gives the hashes of perfect subtrees, in the order asked for. */
export type NodeReader = (nodes: readonly NodePosition[]) => Promise<readonly Uint8Array[]>;

/** The largest power of two smaller than `size`: where RFC 6962 splits a tree of `size` > 1 leaves. */
function splitPoint(size: number): number {
  let split = 1;
  while (split * 2 < size) split *= 2;
  return split;
}

/** The hash of each range, from one read. */
async function readRanges(read: NodeReader, ranges: readonly LeafRange[]): Promise<Uint8Array[]> {
  const subtrees = ranges.map(({ from, to }) => perfectSubtrees(from, to));
  const hashes = await read(subtrees.flat());
  let next = 0;
  return subtrees.map(({ length }) => {
    const parts = hashes.slice(next, next + length);
    if (parts.length !== length) throw new Error('the node reader gave fewer hashes than it was asked for');
    next += length;
    return foldSubtrees(parts);
  });
}

/** The siblings on the way from the leaf up to the root: the ranges that RFC 6962's PATH(index, D[size]) hashes. */
function inclusionRanges(index: number, size: number): LeafRange[] {
  const siblings: LeafRange[] = [];
  let [from, to] = [0, size];
  while (to - from > 1) {
    const middle = from + splitPoint(to - from);
    if (index < middle) {
      siblings.push({ from: middle, to });
      to = middle;
    } else {
      siblings.push({ from, to: middle });
      from = middle;
    }
  }
  return siblings.reverse();
}

/**
 * Inclusion proofs of several leaves in the tree of `size` leaves, in the order of `indexes`, from one `read`: what the
 * proofs share is read and hashed once. Throws RangeError for an index that the tree lacks.
 */
export async function inclusionProofs(
  read: NodeReader,
  indexes: readonly number[],
  size: number,
): Promise<Uint8Array[][]> {
  if (!isTreeSize(size)) throw new RangeError(`${size} is not a tree size`);
  const ranges: LeafRange[] = [];
  const places = new Map<string, number>();
  const proofs = indexes.map((index) => {
    if (!isTreeSize(index) || index >= size)
      throw new RangeError(`a tree of ${size} leaves has no leaf ${index}`);
    return inclusionRanges(index, size).map((range) => {
      const key = `${range.from}-${range.to}`;
      const place = places.get(key) ?? ranges.push(range) - 1;
      places.set(key, place);
      return place;
    });
  });
  const hashes = await readRanges(read, ranges);
  return proofs.map((proof) => proof.map((place) => hashes[place] as Uint8Array));
}

/** Inclusion proof of one leaf: PATH(index, D[size]) of RFC 6962 section 2.1.1. Throws as `inclusionProofs`. */
export async function inclusionProof(read: NodeReader, index: number, size: number): Promise<Uint8Array[]> {
  const [proof] = await inclusionProofs(read, [index], size);
  return proof as Uint8Array[];
}

/**
 * Consistency proof between the trees of `first` and `second` leaves: PROOF(first, D[second]) of RFC 6962 section 2.1.2,
 * empty when `first` is 0 or equals `second`. Throws RangeError when `first` is greater or either is no tree size.
 */
export async function consistencyProof(
  read: NodeReader,
  first: number,
  second: number,
): Promise<Uint8Array[]> {
  if (!isTreeSize(first) || !isTreeSize(second) || first > second) {
    throw new RangeError(`a tree of ${first} leaves is no prefix of one of ${second}`);
  }
  const ranges: LeafRange[] = [];
  let [from, to] = [0, first === 0 ? 0 : second];
  while (to !== first) {
    const middle = from + splitPoint(to - from);
    if (first <= middle) {
      ranges.push({ from: middle, to });
      to = middle;
    } else {
      ranges.push({ from, to: middle });
      from = middle;
    }
  }
  // The verifier holds the whole first tree's root already; any smaller common part it must be given.
  if (from > 0) ranges.push({ from, to });
  return readRanges(read, ranges.reverse());
}

/** MTH of the first `size` leaves, from stored subtrees. Throws RangeError when `size` is no tree size. */
export async function readRoot(read: NodeReader, size: number): Promise<Uint8Array> {
  if (!isTreeSize(size)) throw new RangeError(`${size} is not a tree size`);
  const [root] = await readRanges(read, [{ from: 0, to: size }]);
  return root as Uint8Array;
}
