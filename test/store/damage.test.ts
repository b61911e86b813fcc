import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { LogSource } from '#src/audit/source.js';
import { PsephosError } from '#src/base/errors.js';
import type { Store } from '#src/services/ports.js';
import { openSnapshot } from '#src/store/level-source.js';
import { openLevelStore } from '#src/store/level-store.js';
import { failsWith, filledFolder } from './folder.js';
import { collect, entriesOf, madeEntry, madeTracker, madeVoter } from './made-batches.js';

/** Batches in sessions: every session but the last leaves its records in a table file, the last one in the log file. */
const SESSIONS = [
  [1, 40],
  [30, 1, 9],
  [5, 5, 5],
];
const SIZE = 96;
const FLIPS_PER_FILE = 30;

interface Contents {
  readonly entries: readonly Uint8Array[];
  readonly checkpoints: readonly string[];
  readonly latest: string | undefined;
}

async function contentsOf(log: Store | LogSource): Promise<Contents> {
  return {
    entries: await entriesOf(log),
    checkpoints: await collect(log.checkpoints(0)),
    latest: await log.latestCheckpoint(),
  };
}

/** Every record that the store can be asked for. */
async function everything(store: Store): Promise<unknown> {
  const voters = [];
  for (let i = 0; i < SIZE; i++) {
    voters.push(
      await store.voter(madeVoter(i).key),
      await store.voterByName(`voter ${i}`),
      await store.ballotSeq(madeTracker(i)),
    );
  }
  const tiles = [await store.readTile(0, 0)];
  return {
    ...(await contentsOf(store)),
    voters,
    tiles,
    all: await collect(store.voters()),
    complete: await store.indexesComplete(),
  };
}

async function readingStore<T>(folder: string, read: (store: Store) => Promise<T>): Promise<T> {
  const store = await openLevelStore(folder, { create: false, program: 'a test' });
  try {
    return await read(store);
  } finally {
    await store.close();
  }
}

async function readingSnapshot(folder: string): Promise<Contents> {
  const snapshot = await openSnapshot(folder);
  try {
    return await contentsOf(snapshot);
  } finally {
    await snapshot.close();
  }
}

/** The value, or undefined where reading it was refused as it should be; anything else that is thrown fails the test. */
async function orRefused<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (
      error instanceof PsephosError &&
      ['store-damaged', 'no-election', 'store-version'].includes(error.code)
    )
      return undefined;
    throw error;
  }
}

async function filesOf(folder: string): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  for (const name of (await readdir(folder, { recursive: true })).sort()) {
    if (!/LOCK$|LOG$|LOG.old$|log$/.test(name) || name.endsWith('.log'))
      files.set(name, await readFile(join(folder, name)));
  }
  return files;
}

describe('a damaged data folder', () => {
  it('never passes for a sound one, whichever byte of a file is changed', async (t) => {
    const sound = await filledFolder(t, SESSIONS);
    const expected = await contentsOfCopy(sound, (folder) => readingStore(folder, everything));
    const names = (await readdir(join(sound, 'log'))).filter((name) =>
      /\.ldb$|\.log$|^MANIFEST|^CURRENT/.test(name),
    );
    assert.ok(names.some((name) => name.endsWith('.ldb')) && names.some((name) => name.endsWith('.log')));
    let [refused, harmless] = [0, 0];
    for (const name of [...names.map((each) => join('log', each)), 'acknowledged']) {
      const bytes = await readFile(join(sound, name));
      for (let i = 0; i < Math.min(FLIPS_PER_FILE, bytes.length); i++) {
        const at = Math.floor((i * bytes.length) / Math.min(FLIPS_PER_FILE, bytes.length));
        const flipped = Buffer.from(bytes);
        flipped[at] = (flipped[at] ?? 0) ^ (1 << (i % 8));
        const found = await contentsOfCopy(sound, async (folder) => {
          await writeFile(join(folder, name), flipped);
          const snapshot = await orRefused(readingSnapshot(folder));
          if (snapshot !== undefined)
            assert.deepEqual(snapshot, contentsPart(expected), `${name}, byte ${at}`);
          return orRefused(readingStore(folder, everything));
        });
        if (found === undefined) refused++;
        else {
          harmless++;
          assert.deepEqual(found, expected, `${name}, byte ${at}`);
        }
      }
    }
    t.diagnostic(`${refused} changes were refused, ${harmless} changed nothing that was read`);
    assert.ok(refused > harmless);
  });

  it('is refused before anything is changed, where LevelDB would drop what follows the damage', async (t) => {
    const folder = await filledFolder(t, [[20, 20, 20]]);
    const log = join(folder, 'log', '000003.log');
    const bytes = await readFile(log);
    bytes[Math.floor(bytes.length / 2)] = (bytes[Math.floor(bytes.length / 2)] ?? 0) ^ 4;
    await writeFile(log, bytes);
    const before = await filesOf(folder);
    for (let attempt = 0; attempt < 2; attempt++) {
      await assert.rejects(
        readingStore(folder, everything),
        failsWith('store-damaged', '000003.log', 'Nothing was changed'),
      );
      await assert.rejects(readingSnapshot(folder), failsWith('store-damaged', log));
    }
    assert.deepEqual(await filesOf(folder), before);
  });

  it('is refused before anything is changed, where the last acknowledged batch is damaged', async (t) => {
    const folder = await filledFolder(t, [[20, 20, 20]]);
    const log = join(folder, 'log', '000003.log');
    const bytes = await readFile(log);
    bytes[bytes.length - 9] = (bytes[bytes.length - 9] ?? 0) ^ 4;
    await writeFile(log, bytes);
    const before = await filesOf(folder);
    for (let attempt = 0; attempt < 2; attempt++) {
      await assert.rejects(
        readingStore(folder, everything),
        failsWith('store-damaged', 'has 40 entries, but 60 were acknowledged: entry 40 is missing'),
      );
    }
    assert.deepEqual(await filesOf(folder), before);
  });

  it('is refused naming the entry, where the damage is in one', async (t) => {
    const folder = await filledFolder(t, [[30], [1]]);
    const [name = ''] = (await readdir(join(folder, 'log'))).filter((each) => each.endsWith('.ldb'));
    const path = join(folder, 'log', name);
    const bytes = await readFile(path);
    const at = bytes.indexOf(madeEntry(17).subarray(0, 40));
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    await writeFile(path, bytes);
    await assert.rejects(readingStore(folder, everything), failsWith('store-damaged', 'Entry 17 is damaged'));
    await assert.rejects(readingSnapshot(folder), failsWith('store-damaged', 'Entry 17 is damaged'));
  });

  it('is refused where a table file is gone', async (t) => {
    const folder = await filledFolder(t, SESSIONS);
    const table = (await readdir(join(folder, 'log'))).find((name) => name.endsWith('.ldb'));
    await rm(join(folder, 'log', table ?? ''));
    await assert.rejects(readingSnapshot(folder), failsWith('store-damaged', table ?? '?'));
    await assert.rejects(
      readingStore(folder, everything),
      failsWith('store-damaged', "can't be opened", 'missing files'),
    );
    assert.ok(table !== undefined);
  });
});

function contentsPart(everything: unknown): Contents {
  const { entries, checkpoints, latest } = everything as Contents;
  return { entries, checkpoints, latest };
}

/** Lets `use` have a copy of a folder. */
async function contentsOfCopy<T>(folder: string, use: (copy: string) => Promise<T>): Promise<T> {
  const parent = await mkdtemp(join(tmpdir(), 'psephos-test-'));
  try {
    const copy = join(parent, 'election');
    await cp(folder, copy, { recursive: true });
    return await use(copy);
  } finally {
    await rm(parent, { recursive: true });
  }
}
