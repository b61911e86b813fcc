import assert from 'node:assert/strict';
import { open, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { openLevelStore } from '#src/store/level-store.js';
import { StoreProcess } from './child.js';
import { failsWith, mountedFolder, tempFolder } from './folder.js';
import { BatchMaker, collect, entriesOf, madeCheckpoint, madeEntry, madeVoter } from './made-batches.js';

const init = { create: true, program: 'a test' };

/** Leaves `bytes` of the file system that `folder` is on. */
async function fillDisk(folder: string, bytes: number): Promise<string> {
  const path = join(folder, 'ballast');
  const { bavail, bsize } = await statfs(folder);
  await writeFile(path, Buffer.alloc(Math.max(0, bavail * bsize - bytes)));
  return path;
}

describe('a store on a disk that fills up', () => {
  it('takes no more, says why, and has every acknowledged entry when there is room again', async (t) => {
    const disk = await mountedFolder(t, 'size=8m');
    if (disk === undefined) return;
    const folder = join(disk, 'election');
    const store = await openLevelStore(folder, init);
    const ballast = await fillDisk(disk, 600_000);
    const maker = new BatchMaker();
    let acknowledged = 0;
    const filling = async (): Promise<void> => {
      for (;;) {
        await store.commit(maker.next(50));
        acknowledged = maker.size;
      }
    };
    await assert.rejects(
      filling(),
      failsWith('store-failed', 'The disk is full', 'was acknowledged is on the disk', 'Free some space'),
    );
    assert.ok(acknowledged > 0);

    await rm(ballast);
    await assert.rejects(
      store.commit(maker.next(1)),
      failsWith('store-failed', 'takes no writes since one failed', 'start the program again'),
    );
    await assert.rejects(store.setDraft(undefined), failsWith('store-failed'));
    assert.equal((await entriesOf(store)).length, acknowledged);
    await store.close();

    const again = await openLevelStore(folder, init);
    const found = await entriesOf(again);
    // The batch of the failed write may be there or not, but only as a whole.
    assert.ok([acknowledged, acknowledged + 50].includes(found.length));
    assert.deepEqual(
      found,
      Array.from({ length: found.length }, (_, i) => madeEntry(i)),
    );
    assert.equal(await again.latestCheckpoint(), madeCheckpoint(found.length));
    assert.equal((await collect(again.voters())).length, found.length);
    await again.close();
  });

  it('says so when it is opened, and loses nothing by that', async (t) => {
    const disk = await mountedFolder(t, 'size=8m');
    if (disk === undefined) return;
    const folder = join(disk, 'election');
    const store = await openLevelStore(folder, init);
    const maker = new BatchMaker();
    for (let i = 0; i < 10; i++) await store.commit(maker.next(100));
    await store.close();

    const ballast = await fillDisk(disk, 0);
    await assert.rejects(
      openLevelStore(folder, init),
      failsWith('disk-full', 'The disk is full', folder, 'Free some space'),
    );
    await assert.rejects(openLevelStore(join(disk, 'new'), init), failsWith('disk-full', 'The disk is full'));
    await rm(ballast);
    const again = await openLevelStore(folder, init);
    assert.equal((await entriesOf(again)).length, 1000);
    await again.close();
  });
});

describe('a store whose process is killed', () => {
  it('has every acknowledged entry, and each batch whole or not at all', async (t) => {
    for (let round = 0; round < 5; round++) {
      const folder = await tempFolder(t);
      const writer = new StoreProcess('write', folder);
      await writer.reached(300 * (round + 1));
      await writer.kill();

      const store = await openLevelStore(folder, init);
      const found = await entriesOf(store);
      assert.ok(found.length >= writer.acknowledged);
      assert.deepEqual(
        found,
        Array.from({ length: found.length }, (_, i) => madeEntry(i)),
      );
      assert.equal(await store.latestCheckpoint(), madeCheckpoint(found.length));
      assert.equal(await store.indexesComplete(), true);
      const last = found.length - 1;
      assert.deepEqual(
        await store.voter(madeVoter(last).key),
        madeVoter(last, { round: 1, number: 1, seq: last }),
      );
      assert.equal((await collect(store.voters())).length, found.length);
      await store.close();
    }
  });

  it('opens with what was acknowledged where the last write was cut off', async (t) => {
    const folder = await tempFolder(t);
    const writer = new StoreProcess('write', folder);
    await writer.reached(500);
    await writer.kill();
    // What a power cut leaves of a record: its beginning.
    const log = join(folder, 'log', '000003.log');
    const { size } = await stat(log);
    const file = await open(log, 'a');
    await file.write(Buffer.from([1, 2, 3, 4, 200, 0, 1, 9, 9, 9]));
    await file.close();
    assert.ok(size > 500 * 350);

    const store = await openLevelStore(folder, init);
    assert.ok((await entriesOf(store)).length >= writer.acknowledged);
    await store.close();
  });
});
