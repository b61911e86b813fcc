import assert from 'node:assert/strict';
import { readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, describe, it } from 'node:test';
import { Level } from 'level';
import { readManifest } from '#src/store/level-manifest.js';
import { searchTables } from '#src/store/table-search.js';
import { tempFolder } from './folder.js';

/** A database with tables in it; resolves to the folder and the names of those that the manifest names. */
async function database(t: TestContext): Promise<{ folder: string; tables: readonly string[] }> {
  const folder = await tempFolder(t);
  for (let session = 0; session < 5; session++) {
    const db = new Level<string, Uint8Array>(folder, {
      valueEncoding: 'view',
      compression: false,
      writeBufferSize: 65_536,
    });
    for (let i = 0; i < 300; i++) await db.put(`key ${(i * 7919) % 1000}`, Buffer.alloc(500, i + session));
    await db.close();
  }
  const manifest = (await readdir(folder)).find((name) => name.startsWith('MANIFEST')) ?? '';
  const tables = readManifest(await readFile(join(folder, manifest)))?.tables ?? [];
  assert.ok(tables.length > 0);
  return { folder, tables };
}

async function damage(path: string): Promise<void> {
  const bytes = await readFile(path);
  bytes[100] = (bytes[100] ?? 0) ^ 1;
  await writeFile(path, bytes);
}

describe('a search for damaged tables', () => {
  it('finds none in whole ones, and each one that is damaged, whether it was held open or not', async (t) => {
    const { folder, tables } = await database(t);
    assert.equal(await (await searchTables(folder)).found, undefined);
    for (const name of tables) {
      const path = join(folder, name);
      const whole = await readFile(path);
      await damage(path);
      for (const mostHeld of [0, 1, 100])
        assert.equal(await (await searchTables(folder, mostHeld)).found, name);
      await writeFile(path, whole);
    }
  });

  it('sees a table as it was at the start, though it is deleted meanwhile', async (t) => {
    const { folder, tables } = await database(t);
    const name = tables.at(-1) ?? '';
    await damage(join(folder, name));
    const search = await searchTables(folder);
    for (const each of tables) await rm(join(folder, each));
    assert.equal(await search.found, name);
  });

  it('passes over missing tables and ends when it is told to', async (t) => {
    const { folder, tables } = await database(t);
    await rm(join(folder, tables[0] ?? ''));
    const search = await searchTables(folder);
    await search.stop();
    assert.equal(await search.found, undefined);
    assert.equal(await (await searchTables(await tempFolder(t))).found, undefined);
  });
});
