import assert from 'node:assert/strict';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { type Snapshot, openSnapshot } from '#src/store/level-source.js';
import { openLevelStore } from '#src/store/level-store.js';
import { StoreProcess, tryOpen } from './child.js';
import { failsWith, filledFolder, mountedFolder, tempFolder } from './folder.js';
import { collect, entriesOf, fill, madeCheckpoint, madeEntry } from './made-batches.js';

/** Asserts that a snapshot holds all entries up to its size, each of them as written. */
async function assertWhole(snapshot: Snapshot, entryBytes: number): Promise<void> {
  let seq = 0;
  for await (const chunk of snapshot.entries(0)) {
    for (const entry of chunk) {
      // Comparing all of them would take longer than the writer takes to fill the disk.
      if (seq % 50 === 0) assert.deepEqual(entry, madeEntry(seq, entryBytes));
      seq++;
    }
  }
  assert.equal(seq, snapshot.size);
  if (seq > 0) assert.equal(await snapshot.latestCheckpoint(), madeCheckpoint(seq));
}

/** Sets where temporary folders go, for the time of `run`. */
async function withTemporary<T>(folder: string, run: () => Promise<T>): Promise<T> {
  const before = process.env['TMPDIR'];
  process.env['TMPDIR'] = folder;
  try {
    return await run();
  } finally {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
  }
}

describe('a snapshot of a data folder', () => {
  it('reads as the log, and leaves nothing behind', async (t) => {
    const folder = await filledFolder(t, [[3, 700], [20]]);
    const temporary = await tempFolder(t);
    const files = await readdir(folder, { recursive: true });
    const snapshot = await withTemporary(temporary, () => openSnapshot(folder));
    assert.equal(snapshot.name, folder);
    assert.equal(snapshot.size, 723);
    assert.deepEqual(
      await entriesOf(snapshot),
      Array.from({ length: 723 }, (_, i) => madeEntry(i)),
    );
    assert.deepEqual(
      await entriesOf(snapshot, 702, 705),
      [702, 703, 704].map((seq) => madeEntry(seq)),
    );
    assert.deepEqual(await entriesOf(snapshot, 723), []);
    assert.deepEqual(await collect(snapshot.checkpoints(4)), [703, 723].map(madeCheckpoint));
    assert.deepEqual(await collect(snapshot.checkpoints(0)), [3, 703, 723].map(madeCheckpoint));
    assert.equal(await snapshot.latestCheckpoint(), madeCheckpoint(723));
    assert.equal((await readdir(temporary)).length, 1);
    await Promise.all([snapshot.close(), snapshot.close()]);
    assert.deepEqual(await readdir(temporary), []);
    assert.deepEqual(await readdir(folder, { recursive: true }), files);
  });

  it('reads an empty log', async (t) => {
    const folder = await filledFolder(t, [[]]);
    const snapshot = await openSnapshot(folder);
    assert.deepEqual(await entriesOf(snapshot), []);
    assert.equal(await snapshot.latestCheckpoint(), undefined);
    await snapshot.close();
  });

  it('stays as it was while the same process goes on writing, and keeps the lock', async (t) => {
    const folder = await tempFolder(t);
    const store = await openLevelStore(folder, { create: true, program: 'a test' });
    const maker = await fill(store, [300]);
    const snapshot = await openSnapshot(folder);
    await store.commit(maker.next(300));
    assert.equal((await entriesOf(snapshot)).length, 300);
    await snapshot.close();
    assert.match(tryOpen(folder), /^store-locked/);
    await store.close();
  });

  it('is whole however hard another process writes, flushes and compacts meanwhile', async (t) => {
    const folder = await tempFolder(t);
    const entryBytes = 6000;
    const writer = new StoreProcess('write', folder, entryBytes);
    await writer.reached(200);
    let [last, taken] = [0, 0];
    // Past several turns of LevelDB's 16 MiB write buffer, so that tables come and go.
    while (last < 8_000) {
      const acknowledged = writer.acknowledged;
      const snapshot = await openSnapshot(folder);
      await assertWhole(snapshot, entryBytes);
      assert.ok(snapshot.size >= acknowledged && snapshot.size >= last);
      last = snapshot.size;
      taken++;
      await snapshot.close();
    }
    t.diagnostic(`${taken} snapshots, the last of ${last} entries`);
    await writer.stop();
    const store = await openLevelStore(folder, { create: false, program: 'a test' });
    const found = await entriesOf(store);
    assert.equal(found.length, writer.acknowledged);
    for (const [seq, entry] of found.entries())
      if (seq % 10 === 0) assert.deepEqual(entry, madeEntry(seq, entryBytes));
    await store.close();
  });

  it('is copied where the file system of temporary files is another', async (t) => {
    const temporary = await mountedFolder(t, 'size=16m');
    if (temporary === undefined) return;
    const folder = await filledFolder(t, [[300], [5]]);
    const table = (await readdir(join(folder, 'log'))).find((name) => name.endsWith('.ldb')) ?? '';
    await withTemporary(temporary, async () => {
      const snapshot = await openSnapshot(folder);
      assert.equal((await readdir(temporary)).length, 1);
      assert.equal((await stat(join(folder, 'log', table))).nlink, 1);
      assert.equal((await entriesOf(snapshot)).length, 305);
      await snapshot.close();
      assert.deepEqual(await readdir(temporary), []);
    });
  });

  it('says where room is missing for the copy', async (t) => {
    const temporary = await mountedFolder(t, 'size=100k');
    if (temporary === undefined) return;
    const folder = await filledFolder(t, [[500], [5]]);
    await withTemporary(temporary, async () => {
      await assert.rejects(
        openSnapshot(folder),
        failsWith('disk-full', 'no room for a temporary copy', 'TMPDIR'),
      );
      assert.deepEqual(await readdir(temporary), []);
    });
  });

  it('refuses a folder without an election, and a place for the copy that is not there', async (t) => {
    const folder = await tempFolder(t);
    await assert.rejects(openSnapshot(folder), failsWith('no-election', folder));
    await assert.rejects(openSnapshot(join(folder, 'missing')), failsWith('no-election', 'does not exist'));
    const filled = await filledFolder(t, [[1]]);
    await withTemporary(join(folder, 'missing'), () =>
      assert.rejects(openSnapshot(filled), failsWith('not-found', join(folder, 'missing'))),
    );
  });
});
