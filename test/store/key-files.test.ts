import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmod, readFile, readdir, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { PsephosError } from '#src/base/errors.js';
import { toHex } from '#src/base/bytes.js';
import { readKeyFile, writeKeyFile } from '#src/store/key-files.js';
import { needs } from '../support/needs.js';
import { testKey } from '../support/test-keys.js';
import { failsWith, tempFolder } from './folder.js';

const KEY = testKey(7);

describe('a key file', () => {
  it('gives back its key, for the role it was made for', async (t) => {
    const path = join(await tempFolder(t), 'my key.json');
    await writeKeyFile(path, { role: 'admin', ...KEY });
    assert.deepEqual(await readKeyFile(path, 'admin'), KEY);
    assert.deepEqual(JSON.parse(await readFile(path, 'utf8')), {
      psephos: 'key',
      version: 1,
      role: 'admin',
      publicKey: toHex(KEY.publicKey),
      seed: toHex(KEY.seed),
    });
    await assert.rejects(readKeyFile(path, 'voter'), failsWith('wrong-key-role', path, '"admin"', '"voter"'));
  });

  it('is its owner’s alone, and is never replaced', async (t) => {
    const folder = await tempFolder(t);
    const path = join(folder, 'key.json');
    const before = process.umask(0);
    try {
      await writeKeyFile(path, { role: 'voter', ...KEY });
    } finally {
      process.umask(before);
    }
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    await assert.rejects(
      writeKeyFile(path, { role: 'voter', ...testKey(8) }),
      failsWith('file-exists', path, 'left as it is'),
    );
    assert.deepEqual(await readKeyFile(path, 'voter'), KEY);
    assert.deepEqual(await readdir(folder), ['key.json']);
    // Two at once: one of them wins, whole.
    const other = join(folder, 'other.json');
    const keys = [1, 2, 3, 4].map(testKey);
    const written = await Promise.allSettled(
      keys.map((key) => writeKeyFile(other, { role: 'voter', ...key })),
    );
    const winner = written.findIndex(({ status }) => status === 'fulfilled');
    assert.equal(written.filter(({ status }) => status === 'fulfilled').length, 1);
    assert.deepEqual(await readKeyFile(other, 'voter'), keys[winner]);
    assert.deepEqual((await readdir(folder)).sort(), ['key.json', 'other.json']);
  });

  it('is refused when other accounts can get at it, with the line to type', async (t) => {
    const path = join(await tempFolder(t), "it's a key.json");
    await writeKeyFile(path, { role: 'voter', ...KEY });
    for (const mode of [0o640, 0o604, 0o644, 0o620, 0o602, 0o610, 0o601, 0o777]) {
      await chmod(path, mode);
      await assert.rejects(
        readKeyFile(path, 'voter'),
        failsWith('key-file-exposed', path, 'Type: chmod 600 '),
      );
    }
    await assert.rejects(readKeyFile(path, 'voter'), (error) => {
      const line = error instanceof PsephosError ? (error.hint ?? '').replace('Type: ', '') : '';
      assert.equal(spawnSync('sh', ['-c', line]).status, 0);
      return true;
    });
    assert.deepEqual(await readKeyFile(path, 'voter'), KEY);
    await chmod(path, 0o400);
    assert.deepEqual(await readKeyFile(path, 'voter'), KEY);
  });

  it('is judged by what a link to it leads to', async (t) => {
    const folder = await tempFolder(t);
    await writeKeyFile(join(folder, 'key.json'), { role: 'voter', ...KEY });
    await symlink('key.json', join(folder, 'link.json'));
    assert.deepEqual(await readKeyFile(join(folder, 'link.json'), 'voter'), KEY);
    await chmod(join(folder, 'key.json'), 0o644);
    await assert.rejects(readKeyFile(join(folder, 'link.json'), 'voter'), failsWith('key-file-exposed'));
  });

  it('is refused when it is anything else, without a word of its content', async (t) => {
    const folder = await tempFolder(t);
    const good = {
      psephos: 'key',
      version: 1,
      role: 'voter',
      publicKey: toHex(KEY.publicKey),
      seed: toHex(KEY.seed),
    };
    const others: unknown[] = [
      { ...good, psephos: 'receipt' },
      { ...good, version: 2 },
      { ...good, role: 'auditor' },
      { ...good, seed: good.seed.slice(2) },
      { ...good, seed: good.seed.toUpperCase().replace(/0/g, 'A') },
      { ...good, publicKey: undefined },
      { ...good, publicKey: toHex(testKey(8).publicKey) },
      { ...good, note: 'more' },
      [good],
      null,
    ];
    const texts = [
      '',
      '{',
      good.seed,
      ...others.map((other) => JSON.stringify(other)),
      JSON.stringify(good).padEnd(5000),
    ];
    for (const [index, text] of texts.entries()) {
      const path = join(folder, `${index}.json`);
      await writeFile(path, text, { mode: 0o600 });
      await assert.rejects(readKeyFile(path, 'voter'), (error) => {
        assert.ok(failsWith('not-a-key-file', path)(error), text);
        assert.ok(!String((error as Error).stack).includes(good.seed.slice(0, 8)));
        return true;
      });
    }
    await assert.rejects(
      readKeyFile(join(folder, 'missing'), 'voter'),
      failsWith('not-found', 'missing does not exist'),
    );
    await assert.rejects(readKeyFile(folder, 'voter'), failsWith('not-a-key-file', folder));
    await assert.rejects(
      writeKeyFile(join(folder, 'missing', 'key'), { role: 'voter', ...KEY }),
      failsWith('not-found'),
    );
  });

  it('is not waited for when it is a pipe that nobody writes to', async (t) => {
    const path = join(await tempFolder(t), 'pipe');
    const made = spawnSync('mkfifo', ['-m', '600', path]).status === 0;
    if (!needs(t, 'mkfifo', made)) return;
    await assert.rejects(readKeyFile(path, 'voter'), failsWith('not-a-key-file', path));
  });
});
