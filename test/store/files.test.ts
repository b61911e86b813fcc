import assert from 'node:assert/strict';
import { mkdir, readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { createFile, exists, writeFileAtomic, writeSecretFile } from '#src/store/files.js';
import { failsWith, mountedFolder, remount, tempFolder } from './folder.js';

describe('files that appear whole', () => {
  it('replace an older one, or are written where there is none', async (t) => {
    const folder = await tempFolder(t);
    const path = join(folder, 'results.json');
    await writeFileAtomic(path, 'first');
    await writeFileAtomic(path, Uint8Array.of(115, 101, 99), 0o600);
    assert.equal(await readFile(path, 'utf8'), 'sec');
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    assert.deepEqual(await readdir(folder), ['results.json']);
  });

  it('leave the older one, and nothing else, when writing them fails', async (t) => {
    const folder = await tempFolder(t);
    const path = join(folder, 'results.json');
    await writeFileAtomic(path, 'first');
    const failing = createFile(path, { mode: 0o644, overwrite: true }, async (file) => {
      await file.writeFile('half of the sec');
      throw new Error('the power went');
    });
    await assert.rejects(failing, /the power went/);
    assert.equal(await readFile(path, 'utf8'), 'first');
    assert.deepEqual(await readdir(folder), ['results.json']);
  });

  it('do not replace one when they are secrets', async (t) => {
    const path = join(await tempFolder(t), 'secret.txt');
    await writeSecretFile(path, 'one');
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    await assert.rejects(writeSecretFile(path, 'two'), failsWith('file-exists', path, 'Move it away'));
    assert.equal(await readFile(path, 'utf8'), 'one');
  });

  it('say what stands in their way', async (t) => {
    const folder = await tempFolder(t);
    await mkdir(join(folder, 'taken'));
    await assert.rejects(
      writeFileAtomic(join(folder, 'taken'), 'x'),
      failsWith('is-folder', 'taken is a folder'),
    );
    await assert.rejects(
      writeFileAtomic(join(folder, 'no', 'x'), 'x'),
      failsWith('not-found', join(folder, 'no', 'x')),
    );
    await writeFileAtomic(join(folder, 'file'), 'x');
    await assert.rejects(
      writeFileAtomic(join(folder, 'file', 'x'), 'x'),
      failsWith('not-found', 'is a file, not a folder'),
    );
    assert.equal(await exists(join(folder, 'file', 'x')), false);
    assert.equal(await exists(join(folder, 'file')), true);
  });

  it('say that the disk is full, or read-only', async (t) => {
    const disk = await mountedFolder(t, 'size=64k');
    if (disk === undefined) return;
    await assert.rejects(
      writeFileAtomic(join(disk, 'big'), 'x'.repeat(100_000)),
      failsWith('disk-full', 'big'),
    );
    assert.deepEqual(await readdir(disk), []);
    remount(disk, 'ro');
    await assert.rejects(
      writeFileAtomic(join(disk, 'small'), 'x'),
      failsWith('read-only', 'small', 'read-only'),
    );
  });
});
