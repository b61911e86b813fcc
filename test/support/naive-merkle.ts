import { createHash } from 'node:crypto';

/**
 * RFC 6962 section 2.1 as it is written there: recursive, over all leaf hashes, with Node's own SHA-256. The second route
 * that the product's iterative and stored trees are compared with.
 */
function sha256(...parts: Uint8Array[]): Uint8Array {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}

export function naiveLeaf(entry: Uint8Array): Uint8Array {
  return sha256(Uint8Array.of(0), entry);
}

function naiveNode(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(Uint8Array.of(1), left, right);
}

/** The largest power of two smaller than n. */
function split(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

export class NaiveTree {
  readonly leaves: readonly Uint8Array[];
  readonly #known = new Map<string, Uint8Array>();

  constructor(leaves: readonly Uint8Array[]) {
    this.leaves = leaves;
  }

  /** MTH(D[from:to]). */
  mth(from: number, to: number): Uint8Array {
    if (to === from) return sha256();
    if (to - from === 1) return this.leaves[from] as Uint8Array;
    const key = `${from}:${to}`;
    const middle = from + split(to - from);
    const hash = this.#known.get(key) ?? naiveNode(this.mth(from, middle), this.mth(middle, to));
    this.#known.set(key, hash);
    return hash;
  }

  root(size: number): Uint8Array {
    return this.mth(0, size);
  }

  /** PATH(m, D[n]), section 2.1.1. */
  path(m: number, n: number, from = 0): Uint8Array[] {
    if (n === 1) return [];
    const k = split(n);
    return m < k
      ? [...this.path(m, k, from), this.mth(from + k, from + n)]
      : [...this.path(m - k, n - k, from + k), this.mth(from, from + k)];
  }

  /** PROOF(m, D[n]), section 2.1.2. */
  proof(m: number, n: number): Uint8Array[] {
    return this.#subproof(m, n, 0, true);
  }

  #subproof(m: number, n: number, from: number, known: boolean): Uint8Array[] {
    if (m === n) return known ? [] : [this.mth(from, from + n)];
    const k = split(n);
    return m <= k
      ? [...this.#subproof(m, k, from, known), this.mth(from + k, from + n)]
      : [...this.#subproof(m - k, n - k, from + k, false), this.mth(from, from + k)];
  }
}

const same = (a: Uint8Array | undefined, b: Uint8Array): boolean =>
  a !== undefined && Buffer.compare(a, b) === 0;

/** Checks an audit path by walking the tree's shape from the top; `undefined` where path and shape don't fit. */
function rootOfPath(
  leaf: Uint8Array,
  m: number,
  n: number,
  path: readonly Uint8Array[],
): Uint8Array | undefined {
  if (n === 1) return path.length === 0 ? leaf : undefined;
  const top = path.at(-1);
  if (top === undefined) return undefined;
  const k = split(n);
  const rest = path.slice(0, -1);
  const below = m < k ? rootOfPath(leaf, m, k, rest) : rootOfPath(leaf, m - k, n - k, rest);
  if (below === undefined) return undefined;
  return m < k ? naiveNode(below, top) : naiveNode(top, below);
}

export function naiveVerifyInclusion(
  leaf: Uint8Array,
  index: number,
  size: number,
  proof: readonly Uint8Array[],
  root: Uint8Array,
): boolean {
  return index >= 0 && index < size && same(rootOfPath(leaf, index, size, proof), root);
}

interface Roots {
  readonly first: Uint8Array;
  readonly second: Uint8Array;
}

function rootsOfProof(
  m: number,
  n: number,
  firstRoot: Uint8Array,
  known: boolean,
  proof: readonly Uint8Array[],
): Roots | undefined {
  const top = proof.at(-1);
  if (m === n) {
    if (known) return proof.length === 0 ? { first: firstRoot, second: firstRoot } : undefined;
    return proof.length === 1 && top ? { first: top, second: top } : undefined;
  }
  if (top === undefined) return undefined;
  const k = split(n);
  const rest = proof.slice(0, -1);
  if (m <= k) {
    const below = rootsOfProof(m, k, firstRoot, known, rest);
    return below && { first: below.first, second: naiveNode(below.second, top) };
  }
  const below = rootsOfProof(m - k, n - k, firstRoot, false, rest);
  return below && { first: naiveNode(top, below.first), second: naiveNode(top, below.second) };
}

/** For 0 < first <= second. */
export function naiveVerifyConsistency(
  first: number,
  second: number,
  firstRoot: Uint8Array,
  secondRoot: Uint8Array,
  proof: readonly Uint8Array[],
): boolean {
  const roots = rootsOfProof(first, second, firstRoot, true, proof);
  return same(roots?.first, firstRoot) && same(roots?.second, secondRoot);
}
