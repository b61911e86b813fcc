import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { fromHex, toHex } from '#src/base/bytes.js';
import {
  CompactTree,
  consistencyProof,
  emptyRoot,
  inclusionProof,
  inclusionProofs,
  leafHash,
  nodeHash,
  perfectSubtrees,
  readRoot,
  verifyConsistency,
  verifyInclusion,
} from '#src/log/merkle.js';
import type { NodeReader } from '#src/log/merkle.js';
import { tileNodeReader } from '#src/log/tiles.js';
import {
  NaiveTree,
  naiveLeaf,
  naiveVerifyConsistency,
  naiveVerifyInclusion,
} from '../support/naive-merkle.js';
import { readVectors } from '../support/repository.js';
import { numberedLeaves, storeOf } from '../support/tile-store.js';

const hex = (text: string): Uint8Array => fromHex(text) as Uint8Array;

function flipBit(bytes: Uint8Array, bit: number): Uint8Array {
  const flipped = bytes.slice();
  flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
  return flipped;
}

/** The tree in which every leaf is `leaf`: one hash a level, so that it can be of any size. */
function uniformReader(leaf: Uint8Array): NodeReader {
  const levels = [leaf];
  for (let level = 0; level < 53; level++) {
    const below = levels[level] as Uint8Array;
    levels.push(nodeHash(below, below));
  }
  return (nodes) => Promise.resolve(nodes.map(({ level }) => levels[level] as Uint8Array));
}

const MAX = 130;
const entries = Array.from({ length: MAX }, (_, index) => new TextEncoder().encode(`entry ${index}`));
const leaves = entries.map(leafHash);
const naive = new NaiveTree(entries.map(naiveLeaf));
const { store } = storeOf(leaves, 7);
const read = tileNodeReader(store.read, MAX);

describe('the reference tree of Certificate Transparency', () => {
  const vectors = readVectors('rfc6962/reference-tree.json') as {
    leaves: string[];
    roots: string[];
    inclusion: { index: number; size: number; proof: string[] }[];
    consistency: { first: number; second: number; proof: string[] }[];
  };
  const hashes = vectors.leaves.map((leaf) => leafHash(hex(leaf)));
  const reference = tileNodeReader(storeOf(hashes).store.read, hashes.length);

  it('has the published roots for 0 to 8 leaves', async () => {
    const tree = new CompactTree();
    assert.equal(toHex(emptyRoot()), vectors.roots[0]);
    for (const [size, root] of vectors.roots.entries()) {
      assert.equal(toHex(tree.root()), root);
      assert.equal(toHex(await readRoot(reference, size)), root);
      const next = hashes[size];
      if (next) tree.append(next);
    }
  });

  it('has the published inclusion proofs', async () => {
    for (const { index, size, proof } of vectors.inclusion) {
      assert.deepEqual((await inclusionProof(reference, index, size)).map(toHex), proof);
      const root = hex(vectors.roots[size] as string);
      const claim = { leafHash: hashes[index] as Uint8Array, index, size, proof: proof.map(hex), root };
      assert.equal(verifyInclusion(claim), true);
    }
  });

  it('has the published consistency proofs', async () => {
    for (const { first, second, proof } of vectors.consistency) {
      assert.deepEqual((await consistencyProof(reference, first, second)).map(toHex), proof);
      const [firstRoot, secondRoot] = [
        hex(vectors.roots[first] as string),
        hex(vectors.roots[second] as string),
      ];
      assert.equal(verifyConsistency({ first, second, firstRoot, secondRoot, proof: proof.map(hex) }), true);
    }
  });
});

describe('inclusion proofs', () => {
  it(`are those of the RFC and verify, for every leaf of every tree up to ${MAX} leaves`, async () => {
    for (let size = 1; size <= MAX; size++) {
      const indexes = Array.from({ length: size }, (_, index) => index);
      const root = naive.root(size);
      const proofs = await inclusionProofs(read, indexes, size);
      for (const [index, proof] of proofs.entries()) {
        assert.deepEqual(proof, naive.path(index, size));
        assert.ok(verifyInclusion({ leafHash: leaves[index] as Uint8Array, index, size, proof, root }));
      }
    }
  });

  it('are the same one at a time and in a batch', async () => {
    const batch = await inclusionProofs(read, [77, 0, 76, 77], 100);
    for (const [place, index] of [77, 0, 76, 77].entries()) {
      assert.deepEqual(batch[place], await inclusionProof(read, index, 100));
    }
    assert.deepEqual(await inclusionProofs(read, [], 100), []);
  });

  it('fail when a bit of leaf, root or any hash is flipped, or a hash is dropped, added or resized', () => {
    for (let size = 1; size <= 40; size++) {
      const root = naive.root(size);
      for (let index = 0; index < size; index++) {
        const claim = {
          leafHash: leaves[index] as Uint8Array,
          index,
          size,
          proof: naive.path(index, size),
          root,
        };
        const bit = (size * 37 + index * 11) % 256;
        assert.ok(!verifyInclusion({ ...claim, leafHash: flipBit(claim.leafHash, bit) }));
        assert.ok(!verifyInclusion({ ...claim, root: flipBit(root, bit) }));
        assert.ok(!verifyInclusion({ ...claim, leafHash: claim.leafHash.subarray(1) }));
        assert.ok(!verifyInclusion({ ...claim, root: new Uint8Array() }));
        for (const [place, hash] of claim.proof.entries()) {
          assert.ok(!verifyInclusion({ ...claim, proof: claim.proof.with(place, flipBit(hash, bit)) }));
          assert.ok(!verifyInclusion({ ...claim, proof: claim.proof.with(place, hash.subarray(0, 31)) }));
          assert.ok(!verifyInclusion({ ...claim, proof: claim.proof.toSpliced(place, 1) }));
        }
        assert.ok(!verifyInclusion({ ...claim, proof: [...claim.proof, root] }));
        assert.ok(!verifyInclusion({ ...claim, proof: [root, ...claim.proof] }));
      }
    }
  });

  it('fail for every other index', () => {
    for (let size = 1; size <= 40; size++) {
      for (let index = 0; index < size; index++) {
        const proof = naive.path(index, size);
        for (let other = 0; other <= size; other++) {
          const claim = {
            leafHash: leaves[index] as Uint8Array,
            index: other,
            size,
            proof,
            root: naive.root(size),
          };
          assert.equal(verifyInclusion(claim), other === index);
        }
      }
    }
  });

  it('get the verdict of the recursive definition whatever size and index are claimed', () => {
    for (let size = 1; size <= 16; size++) {
      for (let index = 0; index < size; index++) {
        const leaf = leaves[index] as Uint8Array;
        const proof = naive.path(index, size);
        const root = naive.root(size);
        for (let claimed = 0; claimed <= 20; claimed++) {
          for (let place = 0; place <= claimed; place++) {
            const verdict = verifyInclusion({ leafHash: leaf, index: place, size: claimed, proof, root });
            assert.equal(verdict, naiveVerifyInclusion(leaf, place, claimed, proof, root));
          }
        }
      }
    }
  });

  it('do not pass for those of a smaller tree, where the path would go on above its root', () => {
    const [left, right] = leaves as [Uint8Array, Uint8Array];
    const claim = { leafHash: right, proof: [left], root: naive.root(2) };
    assert.ok(verifyInclusion({ ...claim, index: 1, size: 2 }));
    assert.ok(!verifyInclusion({ ...claim, index: 0, size: 1 }));
  });

  it('refuse sizes and indexes that no tree has', async () => {
    const claim = {
      leafHash: leaves[0] as Uint8Array,
      index: 0,
      size: 1,
      proof: [],
      root: leaves[0] as Uint8Array,
    };
    assert.ok(verifyInclusion(claim));
    for (const bad of [-1, 0.5, NaN, Infinity, 2 ** 53]) {
      assert.ok(!verifyInclusion({ ...claim, index: bad }));
      assert.ok(!verifyInclusion({ ...claim, size: bad }));
      await assert.rejects(inclusionProof(read, bad, 3), RangeError);
      await assert.rejects(inclusionProof(read, 0, bad), RangeError);
    }
    assert.ok(!verifyInclusion({ ...claim, size: 0 }));
    await assert.rejects(inclusionProof(read, 3, 3), RangeError);
    await assert.rejects(inclusionProof(read, 0, 0), RangeError);
  });
});

describe('consistency proofs', () => {
  it(`are those of the RFC and verify, between every two trees up to ${MAX} leaves`, async () => {
    for (let second = 1; second <= MAX; second++) {
      for (let first = 1; first <= second; first++) {
        const proof = await consistencyProof(read, first, second);
        assert.deepEqual(proof, naive.proof(first, second));
        const [firstRoot, secondRoot] = [naive.root(first), naive.root(second)];
        assert.ok(verifyConsistency({ first, second, firstRoot, secondRoot, proof }));
      }
    }
  });

  it('fail when a bit of a root or any hash is flipped, or a hash is dropped, added or resized', () => {
    for (let second = 2; second <= 40; second++) {
      const secondRoot = naive.root(second);
      for (let first = 1; first < second; first++) {
        const claim = {
          first,
          second,
          firstRoot: naive.root(first),
          secondRoot,
          proof: naive.proof(first, second),
        };
        const bit = (second * 37 + first * 11) % 256;
        assert.ok(!verifyConsistency({ ...claim, firstRoot: flipBit(claim.firstRoot, bit) }));
        assert.ok(!verifyConsistency({ ...claim, secondRoot: flipBit(secondRoot, bit) }));
        assert.ok(!verifyConsistency({ ...claim, firstRoot: secondRoot, secondRoot: claim.firstRoot }));
        assert.ok(!verifyConsistency({ ...claim, firstRoot: claim.firstRoot.subarray(1) }));
        for (const [place, hash] of claim.proof.entries()) {
          assert.ok(!verifyConsistency({ ...claim, proof: claim.proof.with(place, flipBit(hash, bit)) }));
          assert.ok(!verifyConsistency({ ...claim, proof: claim.proof.with(place, hash.subarray(0, 31)) }));
          assert.ok(!verifyConsistency({ ...claim, proof: claim.proof.toSpliced(place, 1) }));
        }
        for (const added of [claim.firstRoot, secondRoot, claim.proof[0] as Uint8Array]) {
          assert.ok(!verifyConsistency({ ...claim, proof: [...claim.proof, added] }));
          assert.ok(!verifyConsistency({ ...claim, proof: [added, ...claim.proof] }));
        }
      }
    }
  });

  it('get the verdict of the recursive definition whatever sizes are claimed', () => {
    for (let second = 1; second <= 14; second++) {
      for (let first = 1; first <= second; first++) {
        const proof = naive.proof(first, second);
        const [firstRoot, secondRoot] = [naive.root(first), naive.root(second)];
        for (let claimedSecond = 1; claimedSecond <= 18; claimedSecond++) {
          for (let claimedFirst = 1; claimedFirst <= claimedSecond; claimedFirst++) {
            const claim = { first: claimedFirst, second: claimedSecond, firstRoot, secondRoot, proof };
            const expected = naiveVerifyConsistency(
              claimedFirst,
              claimedSecond,
              firstRoot,
              secondRoot,
              proof,
            );
            assert.equal(verifyConsistency(claim), expected);
          }
        }
      }
    }
  });

  it('of a tree with itself and with the empty tree are empty', async () => {
    const root = naive.root(5);
    assert.deepEqual(await consistencyProof(read, 5, 5), []);
    assert.deepEqual(await consistencyProof(read, 0, 5), []);
    const same = { first: 5, second: 5, firstRoot: root, secondRoot: root, proof: [] };
    assert.ok(verifyConsistency(same));
    assert.ok(!verifyConsistency({ ...same, secondRoot: naive.root(4) }));
    assert.ok(!verifyConsistency({ ...same, proof: [root] }));
    const empty = { first: 0, second: 5, firstRoot: emptyRoot(), secondRoot: root, proof: [] };
    assert.ok(verifyConsistency(empty));
    assert.ok(verifyConsistency({ ...empty, second: 0, secondRoot: emptyRoot() }));
    assert.ok(!verifyConsistency({ ...empty, firstRoot: root }));
    assert.ok(!verifyConsistency({ ...empty, second: 0 }));
    assert.ok(!verifyConsistency({ ...empty, proof: [root] }));
  });

  it('refuse sizes that no two trees have', async () => {
    const root = naive.root(1);
    const claim = { first: 1, second: 1, firstRoot: root, secondRoot: root, proof: [] };
    for (const bad of [-1, 0.5, NaN, Infinity, 2 ** 53]) {
      assert.ok(!verifyConsistency({ ...claim, first: bad }));
      assert.ok(!verifyConsistency({ ...claim, second: bad }));
      await assert.rejects(consistencyProof(read, bad, 3), RangeError);
      await assert.rejects(consistencyProof(read, 1, bad), RangeError);
    }
    assert.ok(!verifyConsistency({ ...claim, first: 2 }));
    await assert.rejects(consistencyProof(read, 4, 3), RangeError);
  });
});

describe('trees beyond the range of 32-bit integers', () => {
  const leaf = leafHash(Uint8Array.of(7));
  const uniform = uniformReader(leaf);
  const sizes = [2 ** 31, 2 ** 32 + 1, 2 ** 40 + 5, 2 ** 52 + 3, 2 ** 53 - 1];

  it('have inclusion proofs that verify', async () => {
    for (const size of sizes) {
      const root = await readRoot(uniform, size);
      for (const index of [0, 1, 2 ** 31 - 1, size - 2, size - 1]) {
        const claim = {
          leafHash: leaf,
          index,
          size,
          proof: await inclusionProof(uniform, index, size),
          root,
        };
        assert.ok(verifyInclusion(claim));
        assert.ok(!verifyInclusion({ ...claim, leafHash: flipBit(leaf, 0) }));
      }
    }
  });

  it('have consistency proofs that verify', async () => {
    for (const second of sizes) {
      const secondRoot = await readRoot(uniform, second);
      for (const first of [1, 2 ** 30, 2 ** 31 - 1, second - 1]) {
        const firstRoot = await readRoot(uniform, first);
        const proof = await consistencyProof(uniform, first, second);
        assert.ok(verifyConsistency({ first, second, firstRoot, secondRoot, proof }));
        assert.ok(!verifyConsistency({ first, second, firstRoot: flipBit(firstRoot, 0), secondRoot, proof }));
      }
    }
  });

  it('can be appended to', async () => {
    const size = 2 ** 40 - 1;
    const tree = CompactTree.restore(size, await uniform(perfectSubtrees(0, size)));
    tree.append(leaf);
    assert.equal(tree.size, 2 ** 40);
    assert.deepEqual(tree.root(), (await uniform([{ level: 40, index: 0 }]))[0]);
  });
});

describe('the compact tree', () => {
  it('has the root of the recursive definition at every size', () => {
    const tree = new CompactTree();
    for (let size = 0; size <= MAX; size++) {
      assert.equal(tree.size, size);
      assert.deepEqual(tree.root(), naive.root(size));
      const next = leaves[size];
      if (next) tree.append(next);
    }
  });

  it('goes on from its exported edge as if it had never stopped', () => {
    fc.assert(
      fc.property(fc.nat(MAX), fc.nat(MAX), (a, b) => {
        const [first, second] = [Math.min(a, b), Math.max(a, b)];
        const tree = new CompactTree();
        for (const leaf of leaves.slice(0, first)) tree.append(leaf);
        const restored = CompactTree.restore(tree.size, tree.edge);
        for (const leaf of leaves.slice(first, second)) restored.append(leaf);
        assert.deepEqual(restored.root(), naive.root(second));
        assert.deepEqual(tree.root(), naive.root(first));
      }),
    );
  });

  it('is not changed by what happens to a clone', () => {
    const tree = new CompactTree();
    for (const leaf of leaves.slice(0, 5)) tree.append(leaf);
    const clone = tree.clone();
    clone.append(leaves[5] as Uint8Array);
    assert.deepEqual([tree.size, tree.root()], [5, naive.root(5)]);
    assert.deepEqual([clone.size, clone.root()], [6, naive.root(6)]);
  });

  it('reports each perfect subtree once, when its last leaf arrives', () => {
    const tree = new CompactTree();
    const seen: string[] = [];
    for (const [index, leaf] of leaves.slice(0, 8).entries()) {
      tree.append(leaf, (level, hash) => {
        const span = 2 ** level;
        assert.deepEqual(hash, naive.mth(index + 1 - span, index + 1));
        seen.push(`${level}/${(index + 1) / span - 1}`);
      });
    }
    const all = '0/0 0/1 1/0 0/2 0/3 1/1 2/0 0/4 0/5 1/2 0/6 0/7 1/3 2/1 3/0';
    assert.equal(seen.join(' '), all);
  });

  it('refuses a leaf of the wrong length and an edge that does not fit the size', () => {
    const leaf = leaves[0] as Uint8Array;
    assert.throws(() => {
      new CompactTree().append(new Uint8Array(31));
    }, RangeError);
    assert.throws(() => CompactTree.restore(2, [leaf, leaf]), RangeError);
    assert.throws(() => CompactTree.restore(3, [leaf]), RangeError);
    assert.throws(() => CompactTree.restore(1, [leaf.subarray(1)]), RangeError);
    assert.throws(() => CompactTree.restore(-1, []), RangeError);
  });
});

describe('a node reader', () => {
  it('is called once a proof', async () => {
    let calls = 0;
    const counting: NodeReader = (nodes) => {
      calls++;
      return read(nodes);
    };
    await inclusionProof(counting, 17, 129);
    await consistencyProof(counting, 17, 129);
    await inclusionProofs(counting, [1, 2, 3], 129);
    assert.equal(calls, 3);
  });

  it('that gives too few hashes is an error, not a wrong proof', async () => {
    const short: NodeReader = async (nodes) => (await read(nodes)).slice(1);
    await assert.rejects(inclusionProof(short, 17, 129), /fewer hashes/);
  });

  it('gives the same root as appending', async () => {
    const many = numberedLeaves(600);
    const { store, appender } = storeOf(many, 100);
    assert.deepEqual(await readRoot(tileNodeReader(store.read, 600), 600), appender.root());
  });
});
