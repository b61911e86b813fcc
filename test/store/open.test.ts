import assert from 'node:assert/strict';
import { chmod, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Level } from 'level';
import { electionExists } from '#src/store/level-db.js';
import { FORMAT_KEY, INDEXED_KEY, entryKey } from '#src/store/layout.js';
import { openSnapshot } from '#src/store/level-source.js';
import { openLevelStore } from '#src/store/level-store.js';
import { seal } from '#src/store/seal.js';
import { needs } from '../support/needs.js';
import { tryOpen } from './child.js';
import { failsWith, filledFolder, mountedFolder, remount, tempFolder } from './folder.js';
import { entriesOf, fill, madeEntry } from './made-batches.js';

const open = (folder: string, create = false) => openLevelStore(folder, { create, program: 'a test' });

/** Changes the LevelDB behind the store's back. */
async function tamper(
  folder: string,
  change: (db: Level<string, Uint8Array>) => Promise<void>,
): Promise<void> {
  const db = new Level<string, Uint8Array>(join(folder, 'log'), {
    valueEncoding: 'view',
    compression: false,
  });
  await change(db);
  await db.close();
}

describe('opening a data folder', () => {
  it('says whether it holds an election', async (t) => {
    const folder = await tempFolder(t);
    assert.equal(await electionExists(folder), false);
    assert.equal(await electionExists(join(folder, 'missing')), false);
    await writeFile(join(folder, 'log'), 'not a folder');
    assert.equal(await electionExists(folder), false);
    assert.equal(await electionExists(await filledFolder(t, [[1]])), true);
  });

  it('refuses a folder that is missing, is a file, or holds no election', async (t) => {
    const folder = await tempFolder(t);
    await writeFile(join(folder, 'file'), '');
    await assert.rejects(
      open(join(folder, 'missing')),
      failsWith('no-election', 'does not exist', 'admin init'),
    );
    await assert.rejects(
      open(folder),
      failsWith('no-election', `There is no election in the folder ${folder}`),
    );
    await assert.rejects(open(join(folder, 'file')), failsWith('no-election'));
    await assert.rejects(
      open(join(folder, 'file', 'below'), true),
      failsWith('not-found', 'is a file, not a folder'),
    );
    assert.deepEqual(await readdir(folder), ['file']);
  });

  it('makes the folder, and every one above it', async (t) => {
    const folder = join(await tempFolder(t), 'a', 'b', 'election');
    const store = await open(folder, true);
    await fill(store, [2]);
    await store.close();
    const again = await open(folder, true);
    assert.equal((await entriesOf(again)).length, 2);
    await again.close();
  });

  it('refuses the format of another version, and leaves it alone', async (t) => {
    const folder = await filledFolder(t, [[3]]);
    await tamper(folder, (db) => db.put(FORMAT_KEY, seal(FORMAT_KEY, Buffer.from('psephos-store/2'))));
    await assert.rejects(open(folder), failsWith('store-version', 'psephos-store/2', 'psephos-store/1'));
    await assert.rejects(openSnapshot(folder), failsWith('store-version'));
  });

  it('refuses a log whose last entry or last checkpoint is lost', async (t) => {
    const folder = await filledFolder(t, [[3, 2]]);
    await tamper(folder, (db) => db.del(entryKey(4)));
    await assert.rejects(open(folder), failsWith('store-damaged', 'has 4 entries', 'entry 4 is missing'));
    await tamper(folder, (db) => db.batch([{ type: 'del', key: entryKey(3) }]));
    await assert.rejects(open(folder), failsWith('store-damaged', 'entry 3 is missing'));
    const other = await filledFolder(t, [[3, 2]]);
    await tamper(other, (db) => db.del('checkpoint/000000000005'));
    await assert.rejects(open(other), failsWith('store-damaged', 'entry 3 is covered by none'));
  });

  it('makes indexes again whose state is not recorded', async (t) => {
    const folder = await filledFolder(t, [[3]]);
    await tamper(folder, (db) => db.del(INDEXED_KEY));
    const store = await open(folder);
    assert.equal(await store.indexesComplete(), false);
    await store.close();
  });

  it('names the first entry that is missing when it comes to it', async (t) => {
    const folder = await filledFolder(t, [[1200]]);
    await tamper(folder, (db) =>
      db.batch([
        { type: 'del', key: entryKey(17) },
        { type: 'del', key: entryKey(900) },
      ]),
    );
    const store = await open(folder);
    await assert.rejects(entriesOf(store), failsWith('store-damaged', 'Entry 17 is missing'));
    await assert.rejects(entriesOf(store, 18), failsWith('store-damaged', 'Entry 900 is missing'));
    await assert.rejects(store.entry(17), failsWith('store-damaged', 'Entry 17 is missing'));
    assert.deepEqual(
      await entriesOf(store, 18, 900),
      Array.from({ length: 882 }, (_, i) => madeEntry(18 + i)),
    );
    await store.close();
  });

  it('names an entry whose bytes are not those that were stored', async (t) => {
    const folder = await filledFolder(t, [[30]]);
    await tamper(folder, async (db) => {
      const stored = Uint8Array.from(await db.get(entryKey(21)));
      stored[100] = (stored[100] ?? 0) ^ 1;
      await db.put(entryKey(21), stored);
      // An entry in another's place.
      await db.put(entryKey(25), await db.get(entryKey(24)));
    });
    const store = await open(folder);
    await assert.rejects(entriesOf(store), failsWith('store-damaged', 'Entry 21 is damaged'));
    await assert.rejects(entriesOf(store, 22), failsWith('store-damaged', 'Entry 25 is damaged'));
    await assert.rejects(store.entry(21), failsWith('store-damaged', 'Entry 21 is damaged'));
    await store.close();
  });

  it('does not begin a new log where one has lost the file that LevelDB knows it by', async (t) => {
    const folder = await filledFolder(t, [[30], [1]]);
    await rm(join(folder, 'log', 'CURRENT'));
    const before = await readdir(join(folder, 'log'));
    assert.equal(await electionExists(folder), true);
    await assert.rejects(open(folder, true), failsWith('store-damaged', 'CURRENT is missing'));
    await assert.rejects(openSnapshot(folder), failsWith('store-damaged', 'CURRENT is missing'));
    assert.deepEqual(await readdir(join(folder, 'log')), before);
  });

  it('refuses a log that is shorter than was once acknowledged', async (t) => {
    const folder = await filledFolder(t, [[3], [2]]);
    const older = await filledFolder(t, [[3]]);
    await writeFile(join(older, 'acknowledged'), await readFile(join(folder, 'acknowledged')));
    await assert.rejects(
      open(older),
      failsWith('store-damaged', 'has 3 entries, but 5 were acknowledged: entry 3 is missing'),
    );
    await assert.rejects(openSnapshot(older), failsWith('store-damaged', 'entry 3 is missing'));
    await writeFile(join(older, 'acknowledged'), '000000000002 00000000\n');
    await assert.rejects(open(older), failsWith('store-damaged', 'acknowledged was changed'));
    await rm(join(older, 'acknowledged'));
    await (await open(older)).close();
  });

  it('refuses a folder on a read-only disk, which a snapshot can be taken of', async (t) => {
    const folder = await mountedFolder(t, 'size=8m');
    if (folder === undefined) return;
    const store = await open(folder, true);
    await fill(store, [3, 4]);
    await store.close();
    remount(folder, 'ro');
    await assert.rejects(open(folder), failsWith('read-only', folder, 'can be written'));
    await assert.rejects(open(join(folder, 'new'), true), failsWith('read-only', folder));
    const snapshot = await openSnapshot(folder);
    assert.equal((await entriesOf(snapshot)).length, 7);
    await snapshot.close();
  });

  it('refuses a folder that this account may not write or look into', async (t) => {
    const folder = await filledFolder(t, [[1]]);
    const canTry = tryOpen(folder, AS_OWNER) === 'opened';
    if (!needs(t, 'setpriv (to do without the rights of root)', canTry)) return;
    await chmod(join(folder, 'log'), 0o500);
    assert.match(tryOpen(folder, AS_OWNER), /^no-access: .*has no access to .*election/);
    await chmod(join(folder, 'log'), 0);
    assert.match(tryOpen(folder, AS_OWNER), /^no-access: .*has no access to .*election\/log/);
    await mkdir(join(folder, 'below'), { mode: 0o500 });
    assert.match(
      tryOpen(join(folder, 'below', 'new'), AS_OWNER),
      /^no-access: .*has no access to .*below\/new/,
    );
    await chmod(join(folder, 'log'), 0o700);
    assert.equal(tryOpen(folder, AS_OWNER), 'opened');
  });
});

/** Root may do anything, unless it is run without these rights. */
const AS_OWNER =
  process.getuid?.() === 0
    ? [
        'setpriv',
        '--bounding-set',
        '-dac_override,-dac_read_search',
        '--inh-caps',
        '-dac_override,-dac_read_search',
      ]
    : [];
