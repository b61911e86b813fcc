import assert from 'node:assert/strict';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { openLevelStore } from '#src/store/level-store.js';
import { StoreProcess } from './child.js';
import { failsWith, filledFolder, tempFolder } from './folder.js';

const open = (folder: string) => openLevelStore(folder, { create: false, program: 'a test' });

describe('the lock of a data folder', () => {
  it('tells a second process who holds the folder', async (t) => {
    const folder = await tempFolder(t);
    const holder = new StoreProcess('hold', folder);
    await holder.reached(0);
    await assert.rejects(
      open(folder),
      failsWith(
        'store-locked',
        `in ${folder} is in use by a process that can hold (process ${holder.pid}, since 20`,
        'Stop that program',
      ),
    );
    await holder.stop();
    await (await open(folder)).close();
  });

  it('ends with its process, however that ended', async (t) => {
    const folder = await tempFolder(t);
    const holder = new StoreProcess('hold', folder);
    await holder.reached(0);
    await holder.kill();
    const note = JSON.parse(await readFile(join(folder, 'lock.json'), 'utf8')) as { pid: number };
    assert.equal(note.pid, holder.pid);

    const store = await open(folder);
    const own = JSON.parse(await readFile(join(folder, 'lock.json'), 'utf8')) as {
      pid: number;
      program: string;
    };
    assert.deepEqual([own.pid, own.program], [process.pid, 'a test']);
    await store.close();
  });

  it('keeps out the same process, too', async (t) => {
    const folder = await filledFolder(t, [[1]]);
    const store = await open(folder);
    await assert.rejects(open(folder), failsWith('store-locked', `process ${process.pid}`));
    await store.close();
  });

  it('leaves a note that only its owner can read, for as long as the folder is held', async (t) => {
    const folder = await filledFolder(t, [[1]]);
    const store = await open(folder);
    assert.equal((await stat(join(folder, 'lock.json'))).mode & 0o777, 0o600);
    await store.close();
    await assert.rejects(stat(join(folder, 'lock.json')), { code: 'ENOENT' });
  });

  it('holds whatever the note says', async (t) => {
    const folder = await filledFolder(t, [[1]]);
    const store = await open(folder);
    for (const note of ['', '{', '{"pid":"1"}', '[]']) {
      await writeFile(join(folder, 'lock.json'), note);
      await assert.rejects(open(folder), failsWith('store-locked', 'in use by another program.'));
    }
    await writeFile(
      join(folder, 'lock.json'),
      JSON.stringify({ pid: 12, program: 'admin', host: 'elsewhere', since: '2026-01-02T03:04:05.000Z' }),
    );
    await assert.rejects(
      open(folder),
      failsWith('store-locked', 'admin (process 12 on elsewhere, since 2026-01-02T03:04:05.000Z)'),
    );
    await store.close();
  });
});
