import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { PsephosError } from '#src/base/errors.js';
import {
  CompactTree,
  consistencyProof,
  inclusionProof,
  inclusionProofs,
  readRoot,
  verifyConsistency,
  verifyInclusion,
} from '#src/log/merkle.js';
import { TileAppender, rightEdgeTiles, tileNodeReader } from '#src/log/tiles.js';
import { NaiveTree } from '../support/naive-merkle.js';
import { numberedLeaves, storeOf } from '../support/tile-store.js';

const leaves = numberedLeaves(65_536 + 300);
const naive = new NaiveTree(leaves);

function rootOf(size: number): Uint8Array {
  const tree = new CompactTree();
  for (const leaf of leaves.slice(0, size)) tree.append(leaf);
  return tree.root();
}

function isDamage(tile: string, detail: RegExp) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof PsephosError);
    assert.equal(error.kind, 'refused');
    assert.equal(error.code, 'store-damaged');
    assert.ok(error.message.includes(`tile ${tile} `), error.message);
    assert.match(error.message, detail);
    return true;
  };
}

describe('the right edge', () => {
  it('has the widths of the example in the specification', () => {
    assert.deepEqual(rightEdgeTiles(70_000), [
      { level: 0, index: 273, width: 112 },
      { level: 1, index: 1, width: 17 },
      { level: 2, index: 0, width: 1 },
    ]);
    assert.deepEqual(rightEdgeTiles(256), [{ level: 1, index: 0, width: 1 }]);
    assert.deepEqual(rightEdgeTiles(0), []);
  });

  it('is right for sizes beyond 32 bits', () => {
    assert.deepEqual(rightEdgeTiles(2 ** 48 + 1), [
      { level: 0, index: 2 ** 40, width: 1 },
      { level: 6, index: 0, width: 1 },
    ]);
  });

  it('does not exist for what is no size', () => {
    for (const bad of [-1, 0.5, NaN, 2 ** 53]) assert.throws(() => rightEdgeTiles(bad), RangeError);
  });
});

describe('appended tiles', () => {
  it('hold the hashes of the specification: 256^level leaves each, none for an empty tile', () => {
    const size = 66_000 - 200;
    const { store } = storeOf(leaves.slice(0, size));
    let tiles = 0;
    for (let level = 0, count = size; count > 0; level++, count = Math.floor(count / 256)) {
      const span = 256 ** level;
      for (let index = 0; index * 256 < count; index++, tiles++) {
        const hashes = Math.min(256, count - index * 256);
        const expected = Array.from({ length: hashes }, (_, i) => {
          const from = (index * 256 + i) * span;
          return naive.mth(from, from + span);
        });
        assert.deepEqual(Buffer.from(store.tiles.get(`${level}/${index}`) ?? []), Buffer.concat(expected));
      }
    }
    assert.equal(store.tiles.size, tiles);
  });

  it('and the root are the same however the leaves are split into batches', () => {
    const total = 1100;
    const { store: expected } = storeOf(leaves.slice(0, total), total);
    fc.assert(
      fc.property(fc.array(fc.nat(400), { maxLength: 12 }), (batches) => {
        const { store, appender } = storeOf([]);
        let size = 0;
        for (const batch of [...batches, total]) {
          store.write(appender.append(leaves.slice(size, Math.min(size + batch, total))));
          size = Math.min(size + batch, total);
          assert.equal(appender.size, size);
          assert.deepEqual(appender.root(), naive.root(size));
        }
        assert.deepEqual(store.tiles, expected.tiles);
      }),
      { numRuns: 25 },
    );
  });

  it('are only those that a batch changed', () => {
    const { appender } = storeOf(leaves.slice(0, 250));
    const places = (count: number): string[] => {
      const at = appender.size;
      return appender
        .append(leaves.slice(at, at + count))
        .map(({ level, index, bytes }) => `${level}/${index}:${bytes.length / 32}`);
    };
    assert.deepEqual(places(3), ['0/0:253']);
    assert.deepEqual(places(0), []);
    assert.deepEqual(places(3), ['0/0:256', '1/0:1']);
    assert.deepEqual(places(1), ['0/1:1']);
    assert.deepEqual(places(600), ['0/1:256', '0/2:256', '0/3:89', '1/0:3']);
  });
});

describe('a prepared batch', () => {
  it('changes nothing until it is committed', () => {
    const { appender } = storeOf(leaves.slice(0, 300));
    const abandoned = appender.prepare(leaves.slice(1000, 1500));
    assert.equal(abandoned.size, 800);
    assert.deepEqual([appender.size, appender.root()], [300, naive.root(300)]);

    const batch = appender.prepare(leaves.slice(300, 800));
    assert.deepEqual([batch.size, batch.root], [800, naive.root(800)]);
    assert.deepEqual([appender.size, appender.root()], [300, naive.root(300)]);
    batch.commit();
    assert.deepEqual([appender.size, appender.root()], [800, naive.root(800)]);
  });

  it('can be prepared again after a failed write, with the same tiles', () => {
    const { appender } = storeOf(leaves.slice(0, 300));
    const failed = appender.prepare(leaves.slice(300, 700));
    const retried = appender.prepare(leaves.slice(300, 700));
    assert.deepEqual(retried.tiles, failed.tiles);
    assert.deepEqual(retried.root, failed.root);
  });

  it('cannot be committed twice, nor after another batch', () => {
    const { appender } = storeOf(leaves.slice(0, 10));
    const one = appender.prepare(leaves.slice(10, 20));
    const other = appender.prepare(leaves.slice(10, 15));
    one.commit();
    assert.throws(one.commit, /has changed/);
    assert.throws(other.commit, /has changed/);
    assert.deepEqual([appender.size, appender.root()], [20, naive.root(20)]);
  });

  it('refuses a hash of the wrong length and leaves the tree as it was', () => {
    const { appender } = storeOf(leaves.slice(0, 10));
    assert.throws(() => appender.prepare([leaves[10] as Uint8Array, new Uint8Array(33)]), RangeError);
    assert.deepEqual([appender.size, appender.root()], [10, naive.root(10)]);
  });
});

describe('a restored appender', () => {
  it('goes on as if it had never stopped, at sizes around every boundary', async () => {
    for (const size of [0, 1, 2, 255, 256, 257, 511, 512, 1000, 65_535, 65_536, 65_537, 65_792]) {
      const { store, appender } = storeOf(leaves.slice(0, size));
      const restored = await TileAppender.restore(size, store.read);
      assert.deepEqual([restored.size, restored.root()], [size, appender.root()]);
      assert.deepEqual(
        restored.append(leaves.slice(size, size + 40)),
        appender.append(leaves.slice(size, size + 40)),
      );
      assert.deepEqual(restored.root(), appender.root());
    }
  });

  it('reads the right edge only', async () => {
    const { store } = storeOf(leaves.slice(0, 65_800));
    await TileAppender.restore(65_800, store.read);
    assert.deepEqual(store.reads, ['0/257', '1/1', '2/0']);
  });

  it('names the tile that is missing, short, cut or too long', async () => {
    const { store } = storeOf(leaves.slice(0, 600));
    const tile = store.tiles.get('0/2') as Uint8Array;
    const restore = (size = 600) => TileAppender.restore(size, store.read);
    store.tiles.delete('0/2');
    await assert.rejects(restore(), isDamage('0/2', /is missing/));
    store.tiles.set('0/2', tile.slice(0, -32));
    await assert.rejects(restore(), isDamage('0/2', /has 2784 bytes, where a log of 600 entries needs 2816/));
    store.tiles.set('0/2', tile.slice(0, -1));
    await assert.rejects(restore(), isDamage('0/2', /has 2815 bytes/));
    store.tiles.set('0/2', tile);
    await assert.rejects(
      restore(599),
      isDamage('0/2', /has 2816 bytes, where a log of 599 entries needs 2784/),
    );
    store.tiles.delete('1/0');
    await assert.rejects(restore(), isDamage('1/0', /is missing/));
  });

  it('keeps no hold on the bytes it was given', async () => {
    const { store } = storeOf(leaves.slice(0, 10));
    const restored = await TileAppender.restore(10, store.read);
    store.tiles.get('0/0')?.fill(0);
    restored.append(leaves.slice(10, 12));
    assert.deepEqual(restored.root(), naive.root(12));
    assert.deepEqual(restored.append([leaves[12] as Uint8Array])[0]?.bytes.subarray(0, 32), leaves[0]);
  });
});

describe('proofs from tiles', () => {
  const size = leaves.length;
  const { store } = storeOf(leaves);

  it('verify across the boundaries of 256 and 65,536 leaves', async () => {
    for (const treeSize of [255, 256, 257, 512, 65_535, 65_536, 65_537, size]) {
      const read = tileNodeReader(store.read, treeSize);
      const root = rootOf(treeSize);
      assert.deepEqual(await readRoot(read, treeSize), root);
      for (const index of [0, 200, 254, treeSize >> 1, treeSize - 1]) {
        const proof = await inclusionProof(read, index, treeSize);
        assert.ok(
          verifyInclusion({ leafHash: leaves[index] as Uint8Array, index, size: treeSize, proof, root }),
        );
      }
      for (const first of [1, 255, 256, treeSize - 1, treeSize]) {
        if (first > treeSize) continue;
        const proof = await consistencyProof(read, first, treeSize);
        assert.ok(
          verifyConsistency({ first, second: treeSize, firstRoot: rootOf(first), secondRoot: root, proof }),
        );
      }
    }
  });

  it('read each tile at most once a call', async () => {
    const read = tileNodeReader(store.read, size);
    const indexes = Array.from({ length: 256 }, (_, i) => 65_400 + i);
    store.reads.length = 0;
    await inclusionProofs(read, indexes, size);
    assert.equal(new Set(store.reads).size, store.reads.length);
    assert.ok(store.reads.length <= 6);
  });

  it('of an earlier tree can be read from tiles that have grown since', async () => {
    const read = tileNodeReader(store.read, 300);
    const proof = await inclusionProof(read, 299, 300);
    assert.deepEqual(proof, naive.path(299, 300));
  });

  it('name a tile that is missing or short', async () => {
    const damaged = storeOf(leaves.slice(0, 600)).store;
    const read = tileNodeReader(damaged.read, 600);
    damaged.tiles.set('0/2', (damaged.tiles.get('0/2') as Uint8Array).slice(0, -32));
    await assert.rejects(inclusionProof(read, 520, 600), isDamage('0/2', /has 2784 bytes/));
    damaged.tiles.delete('0/1');
    await assert.rejects(inclusionProof(read, 300, 600), isDamage('0/1', /is missing/));
  });

  it('of a tree greater than the reader’s are refused', async () => {
    await assert.rejects(inclusionProof(tileNodeReader(store.read, 300), 0, 301), RangeError);
  });
});
