import { toBase64, utf8ToBytes } from '#src/base/bytes.js';
import { signCheckpoint } from '#src/log/checkpoint.js';
import type { ForkEvidence, OmissionEvidence, PromiseEvidence, ProvenPrefix } from '#src/log/evidence.js';
import { signPromise } from '#src/log/promise.js';
import { formatReceipt } from '#src/log/receipt.js';
import { AT, sampleLog } from './build-log.js';
import { NaiveTree, naiveLeaf } from './naive-merkle.js';
import { testKey } from './test-keys.js';

/** Entries of each history. */
export const MAX = 30;
export const sizes: readonly number[] = Array.from({ length: MAX + 1 }, (_, size) => size);
export const sizesFrom = (first: number): number[] => sizes.filter((size) => size >= first);

export const authority = testKey(1);
export const stranger = testKey(2);
export const log = sampleLog();
export const genesis = Uint8Array.from(log.entries[0] as Uint8Array);

export const leaf = (history: string, place: number): Uint8Array =>
  naiveLeaf(utf8ToBytes(`${history} ${place}`));

/** The honest history up to its first `shared` entries, and another one from there. */
const leaving = (shared: number): NaiveTree =>
  new NaiveTree(Array.from({ length: MAX }, (_, place) => leaf(place < shared ? 'a' : 'b', place)));

export const honest = leaving(MAX);
/** By how many entries they share with the honest one. */
export const forked: readonly NaiveTree[] = Array.from({ length: MAX }, (_, shared) => leaving(shared));
/** One of them, for where one will do. */
export const other = forked[4] as NaiveTree;

export const headOf = (tree: NaiveTree, size: number) => ({ size, root: tree.root(size) });

/** What a log of `second` entries answers about its first `first`. */
export const prefixOf = (tree: NaiveTree, first: number, second: number): ProvenPrefix => ({
  root: tree.root(first),
  // RFC 6962 has no proof from the empty tree; here it is empty.
  proof: first === 0 ? [] : tree.proof(first, second),
});

const signedTexts = new Map<string, string>();
/** The authority's checkpoint of a tree, signed once. */
export function signed(tree: NaiveTree, size: number): string {
  const root = tree.root(size);
  const id = `${size} ${toBase64(root)}`;
  const text =
    signedTexts.get(id) ??
    signCheckpoint({ origin: log.origin, size, root }, authority.seed, authority.publicKey);
  signedTexts.set(id, text);
  return text;
}

/** What the holder of the log `two` makes of a checkpoint of `one`. */
export const forkOf = (one: NaiveTree, first: number, two: NaiveTree, second: number): ForkEvidence => ({
  kind: 'fork',
  genesis,
  first: signed(one, first),
  second: signed(two, second),
  ...prefixOf(two, first, second),
});

/** The entries of `log`, which is where the receipt is from. */
export const entryTree = new NaiveTree(log.entries.map(naiveLeaf));
export const ballotAt = AT.ballots + 1;
export const ballotSize = log.size;
const receipt = formatReceipt({
  index: ballotAt,
  proof: entryTree.path(ballotAt, ballotSize),
  checkpoint: { text: signed(entryTree, ballotSize) },
  extra: log.entries[ballotAt] as Uint8Array,
});
export const promised = { ballotHash: new Uint8Array(32).fill(7), by: 1_750_000_000_000 };

/** Evidence of each kind that holds. */
export const fork = forkOf(honest, 7, other, 20);
export const omission: OmissionEvidence = { kind: 'omission', genesis, receipt, served: signed(honest, 25) };
export const promise: PromiseEvidence = {
  kind: 'promise',
  genesis,
  promise: signPromise(promised, { origin: log.origin, publicKey: authority.publicKey }, authority.seed),
};
