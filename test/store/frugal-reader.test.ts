import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { openLevelStore, openSnapshot } from '#src/store/index.js';
import { tempFolder } from '../support/temp-election.js';

const SIZE = 300_000;
const COUNT = 160;

/** Entry `index` of a log of 48 MB: far more than a snapshot reads from one opening of its database. */
const entry = (index: number) => new Uint8Array(SIZE).fill(index);
const checkpoint = (size: number) => `psephos/x\n${size}\n`;

describe('a snapshot of a large log', () => {
  it('gives every entry and checkpoint, whoever reads at the same time', async (t) => {
    const folder = join(await tempFolder(t), 'election');
    const store = await openLevelStore(folder, { create: true, program: 'a test' });
    for (let from = 0; from < COUNT; from += 2) {
      await store.commit({
        from,
        entries: [entry(from), entry(from + 1)],
        tiles: [],
        checkpoint: { size: from + 2, text: checkpoint(from + 2) },
        voters: [],
        ballots: [],
      });
    }
    await store.close();

    const snapshot = await openSnapshot(folder);
    try {
      const readEntries = async (from: number, to?: number) => {
        let next = from;
        for await (const chunk of snapshot.entries(from, to)) {
          for (const bytes of chunk) assert.deepEqual(bytes, entry(next++));
        }
        return next;
      };
      const readCheckpoints = async () => {
        const sizes: number[] = [];
        for await (const text of snapshot.checkpoints(0)) {
          await new Promise((resolve) => setTimeout(resolve, 1));
          sizes.push(Number(text.split('\n')[1]));
        }
        return sizes;
      };
      const [all, part, sizes] = await Promise.all([readEntries(0), readEntries(30, 90), readCheckpoints()]);
      assert.deepEqual([all, part], [COUNT, 90]);
      assert.deepEqual(
        sizes,
        Array.from({ length: COUNT / 2 }, (_, index) => 2 * index + 2),
      );
      for await (const [first] of snapshot.entries(0)) {
        assert.deepEqual(first, entry(0));
        break;
      }
      assert.equal(await readEntries(COUNT - 1), COUNT);
    } finally {
      await snapshot.close();
    }
  });
});
