import assert from 'node:assert/strict';
import { createReadStream } from 'node:fs';
import { readFile, readdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { CarReader, CarWriter } from '@ipld/car';
import * as dagJson from '@ipld/dag-json';
import fc from 'fast-check';
import { CID } from 'multiformats/cid';
import { sha256 } from 'multiformats/hashes/sha2';
import type { LogSource } from '#src/audit/source.js';
import { PsephosError } from '#src/base/errors.js';
import { toHex } from '#src/base/bytes.js';
import { cidOf } from '#src/crypto/cid.js';
import { exportCar, openCarSource } from '#src/store/car.js';
import { exportJsonLines, openJsonLinesSource } from '#src/store/jsonl.js';
import { openLevelStore } from '#src/store/level-store.js';
import { openSnapshot } from '#src/store/level-source.js';
import { openExport } from '#src/store/open-export.js';
import { AT, VOTERS, memoryLog, sampleLog } from '../support/build-log.js';
import { failsWith, mountedFolder, tempFolder } from './folder.js';
import { collect, entriesOf, fill } from './made-batches.js';

const LOG = sampleLog();
const ENTRIES = LOG.entries.map((entry) => Uint8Array.from(entry));

/** An entry of the log above. */
function entryAt(seq: number): Uint8Array {
  return ENTRIES[seq] as Uint8Array;
}

const FORMS = [
  { name: 'a CAR file', file: 'log.car', write: exportCar, open: openCarSource },
  { name: 'a JSON Lines file', file: 'log.jsonl', write: exportJsonLines, open: openJsonLinesSource },
] as const;

interface Contents {
  readonly entries: readonly Uint8Array[];
  readonly checkpoints: readonly string[];
  readonly latest: string | undefined;
}

/** All that an audit may ask of a source. */
async function readAll(source: LogSource): Promise<Contents> {
  return {
    entries: await entriesOf(source),
    checkpoints: await collect(source.checkpoints(0)),
    latest: await source.latestCheckpoint(),
  };
}

/** What is read from a file with these bytes; undefined where it is refused as it should be. */
async function readBytes(path: string, bytes: Uint8Array): Promise<Contents | undefined> {
  await writeFile(path, bytes);
  try {
    return await readAll(await openExport(path));
  } catch (error) {
    if (error instanceof PsephosError && ['export-damaged', 'not-an-export'].includes(error.code))
      return undefined;
    throw error;
  }
}

for (const { name, file, write, open } of FORMS) {
  describe(`a log exported as ${name}`, () => {
    it('gives back the same entries and checkpoints', async (t) => {
      const path = join(await tempFolder(t), file);
      await write(LOG.source(), path);
      for (const source of [await open(path), await openExport(path)]) {
        assert.equal(source.name, path);
        assert.deepEqual(await readAll(source), await readAll(LOG.source()));
        assert.deepEqual(await entriesOf(source, 5, 9), ENTRIES.slice(5, 9));
        assert.deepEqual(await entriesOf(source, 5), ENTRIES.slice(5));
        assert.deepEqual(await entriesOf(source, 0, 1000), ENTRIES);
        assert.deepEqual(await entriesOf(source, 3, 3), []);
        assert.deepEqual(await collect(source.checkpoints(8)), await collect(LOG.source().checkpoints(8)));
      }
    });

    it('is the same file again when it is exported from its export', async (t) => {
      const folder = await tempFolder(t);
      await write(LOG.source(), join(folder, 'first'));
      await write(await openExport(join(folder, 'first')), join(folder, 'second'));
      assert.deepEqual(await readFile(join(folder, 'second')), await readFile(join(folder, 'first')));
    });

    it('ends at the newest checkpoint, while the log grows on', async (t) => {
      const path = join(await tempFolder(t), file);
      const later = memoryLog(ENTRIES, LOG.checkpoints.slice(0, -1));
      await write(later, path);
      const size = Number(LOG.checkpoints.at(-2)?.split('\n')[1]);
      assert.deepEqual(await entriesOf(await open(path)), ENTRIES.slice(0, size));
      await assert.rejects(
        write(memoryLog([], []), join(path, '..', 'none')),
        failsWith('nothing-to-export', 'is empty'),
      );
    });

    it('is not written over another file unless that is asked for', async (t) => {
      const folder = await tempFolder(t);
      const path = join(folder, file);
      await writeFile(path, 'precious');
      await assert.rejects(write(LOG.source(), path), failsWith('file-exists', path));
      assert.equal(await readFile(path, 'utf8'), 'precious');
      await write(LOG.source(), path, { force: true });
      assert.deepEqual(await entriesOf(await open(path)), ENTRIES);
      assert.deepEqual(await readdir(folder), [file]);
    });

    it('is written whole or not at all', async (t) => {
      const folder = await tempFolder(t);
      const gone = { ...LOG.source(), entries: () => memoryLog(ENTRIES.slice(0, 9), []).entries(0) };
      await assert.rejects(
        write(gone, join(folder, file)),
        failsWith('store-damaged', /Entry (9|17) is missing/),
      );
      const failing = {
        ...LOG.source(),
        async *entries(from: number, to?: number) {
          yield* LOG.source().entries(from, Math.min(to ?? Infinity, 8));
          throw new Error('the peer hung up');
        },
      };
      await assert.rejects(write(failing, join(folder, file)), /the peer hung up/);
      assert.deepEqual(await readdir(folder), []);
      await assert.rejects(write(LOG.source(), join(folder, 'no', file)), failsWith('not-found'));
    });

    it('says that the disk is full, and leaves nothing on it', async (t) => {
      const disk = await mountedFolder(t, 'size=4k');
      if (disk === undefined) return;
      await assert.rejects(write(LOG.source(), join(disk, file)), failsWith('disk-full', file));
      assert.deepEqual(await readdir(disk), []);
    });

    it('tells how far it has come', async (t) => {
      const seen: [number, number][] = [];
      const path = join(await tempFolder(t), file);
      await write(LOG.source(), path, { onProgress: (done, total) => seen.push([done, total]) });
      assert.deepEqual(seen.at(-1), [AT.size, AT.size]);
      assert.ok(seen.length > 1);
    });

    it('never gives other entries, whichever bit of it is changed', async (t) => {
      const folder = await tempFolder(t);
      await write(LOG.source(), join(folder, file));
      const bytes = await readFile(join(folder, file));
      await fc.assert(
        fc.asyncProperty(fc.nat(bytes.length - 1), fc.nat(7), async (at, bit) => {
          const changed = Buffer.from(bytes);
          changed[at] = (changed[at] ?? 0) ^ (1 << bit);
          const found = await readBytes(join(folder, 'changed'), changed);
          // In JSON Lines a checkpoint's text has nothing to hold it against; its signature is the audit's to check.
          if (found === undefined || !file.endsWith('jsonl')) assert.equal(found, undefined, `byte ${at}`);
          else assert.deepEqual(found.entries, ENTRIES, `byte ${at}`);
        }),
        { numRuns: 300 },
      );
    });

    it('is refused where it was cut off in the middle of a line or block', async (t) => {
      const folder = await tempFolder(t);
      await write(LOG.source(), join(folder, file));
      const bytes = await readFile(join(folder, file));
      for (let end = bytes.length - 1; end > 0; end -= 83) {
        if (bytes[end - 1] === 10 && file.endsWith('jsonl')) continue;
        assert.equal(
          await readBytes(join(folder, 'cut'), bytes.subarray(0, end)),
          undefined,
          `cut at ${end}`,
        );
      }
      assert.equal(await readBytes(join(folder, 'cut'), new Uint8Array()), undefined);
    });

    it('is read in chunks of bounded size', async (t) => {
      const folder = await tempFolder(t);
      const store = await openLevelStore(join(folder, 'election'), { create: true, program: 'a test' });
      await fill(store, [1200, 900]);
      await store.close();
      const snapshot = await openSnapshot(join(folder, 'election'));
      if (file.endsWith('jsonl')) {
        await assert.rejects(
          write(snapshot, join(folder, file)),
          failsWith('store-damaged', 'Entry 0 is not DAG-CBOR'),
        );
      } else {
        await write(snapshot, join(folder, file));
        const chunks = await collect((await open(join(folder, file))).entries(0));
        assert.deepEqual(chunks.flat(), await entriesOf(snapshot));
        assert.ok(chunks.every((chunk) => chunk.length <= 500));
      }
      await snapshot.close();
    });
  });
}

describe('a CAR export', () => {
  it('is what other programs read as a CAR file: its roots, its blocks by their CIDs', async (t) => {
    const path = join(await tempFolder(t), 'log.car');
    await exportCar(LOG.source(), path);
    const reader = await CarReader.fromIterable(createReadStream(path));
    const last = entryAt(AT.size - 1);
    const newest = Buffer.from(LOG.checkpoints.at(-1) ?? '');
    const newestCid = CID.createV1(0x55, await sha256.digest(newest));
    assert.deepEqual((await reader.getRoots()).map(String), [String(cidOf(last)), String(newestCid)]);
    for (const entry of ENTRIES) assert.deepEqual((await reader.get(cidOf(entry)))?.bytes, entry);
    assert.deepEqual(Buffer.from((await reader.get(newestCid))?.bytes ?? []), newest);
    const blocks = await collect(reader.blocks());
    assert.equal(blocks.length, ENTRIES.length + LOG.checkpoints.length);
    for (const { cid, bytes } of blocks)
      assert.deepEqual((await sha256.digest(bytes)).digest, cid.multihash.digest);
  });

  it('is read when another program wrote it', async (t) => {
    const path = join(await tempFolder(t), 'log.car');
    await writeFile(path, await carOf(ENTRIES, [String(LOG.checkpoints.at(-1))]));
    const source = await openCarSource(path);
    assert.deepEqual(await entriesOf(source), ENTRIES);
    assert.equal(await source.latestCheckpoint(), LOG.checkpoints.at(-1));
  });

  it('is refused naming the entry whose bytes have another CID', async (t) => {
    const path = join(await tempFolder(t), 'log.car');
    await exportCar(LOG.source(), path);
    const bytes = await readFile(path);
    const at = bytes.indexOf(entryAt(AT.close));
    bytes[at + 20] = (bytes[at + 20] ?? 0) ^ 1;
    await writeFile(path, bytes);
    const source = await openCarSource(path);
    await assert.rejects(entriesOf(source), failsWith('export-damaged', `entry ${AT.close}, at byte `, path));
    // The checkpoints are intact, and entries before and after can be read.
    assert.deepEqual(await collect(source.checkpoints(0)), LOG.checkpoints);
    assert.deepEqual(await entriesOf(source, 0, AT.close), ENTRIES.slice(0, AT.close));
    assert.deepEqual(await entriesOf(source, AT.close + 1), ENTRIES.slice(AT.close + 1));
  });

  it('is refused where it ends with fewer blocks than its header names', async (t) => {
    const path = join(await tempFolder(t), 'log.car');
    await exportCar(LOG.source(), path);
    const length = (await readFile(path)).length;
    const lastCheckpoint = Buffer.from(LOG.checkpoints.at(-1) ?? '').length + 36 + 2;
    await truncate(path, length - lastCheckpoint);
    const source = await openCarSource(path);
    assert.deepEqual(await entriesOf(source), ENTRIES);
    await assert.rejects(
      source.latestCheckpoint(),
      failsWith('export-damaged', 'ends before the last checkpoint'),
    );
    await truncate(path, length - lastCheckpoint - entryAt(AT.size - 1).length - 36 - 2);
    await assert.rejects(
      entriesOf(await openCarSource(path)),
      failsWith('export-damaged', 'ends before the last entry'),
    );
  });

  it('is refused before a length in it is believed', async (t) => {
    const folder = await tempFolder(t);
    const path = join(folder, 'log.car');
    await exportCar(LOG.source(), path);
    const good = await readFile(path);
    const header = good.subarray(0, 1 + (good[0] ?? 0));
    const long = Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]);
    const cases = [
      [long, good],
      [header, long, good],
      [header, Buffer.from([0]), good],
      [header, Buffer.from([0x80, 0x00]), good],
      [header, Buffer.from([36, 1, 0x71, 0x12, 0x40]), good],
      [header, Buffer.from([36, 1, 0x70, 0x12, 0x20]), good],
      [header, Buffer.from([5, 1, 0x71, 0x12, 0x20, 9])],
    ];
    for (const parts of cases) assert.equal(await readBytes(path, Buffer.concat(parts)), undefined);
  });
});

async function carOf(entries: readonly Uint8Array[], checkpoints: readonly string[]): Promise<Uint8Array> {
  const texts = checkpoints.map((text) => new Uint8Array(Buffer.from(text)));
  const cids = await Promise.all(texts.map(async (text) => CID.createV1(0x55, await sha256.digest(text))));
  const { writer, out } = CarWriter.create([cidOf(entries.at(-1) ?? new Uint8Array()), cids.at(-1) as CID]);
  const collected = collect(out);
  for (const bytes of entries) await writer.put({ cid: cidOf(bytes), bytes });
  for (const [index, bytes] of texts.entries()) await writer.put({ cid: cids[index] as CID, bytes });
  await writer.close();
  return Buffer.concat(await collected);
}

describe('a JSON Lines export', () => {
  const linesOf = async (path: string): Promise<string[]> => (await readFile(path, 'utf8')).split('\n');

  it('is readable: one object a line, with what a ballot says', async (t) => {
    const path = join(await tempFolder(t), 'log.jsonl');
    await exportJsonLines(LOG.source(), path);
    const lines = await linesOf(path);
    assert.equal(lines.pop(), '');
    assert.equal(lines.length, ENTRIES.length + LOG.checkpoints.length);
    const objects = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    const ballots = objects.filter((object) => 'ballot' in object);
    assert.deepEqual(ballots[3]?.['ballot'], {
      round: String(cidOf(entryAt(AT.round))),
      voter: toHex(VOTERS[1].key),
      number: 2,
      form: 'open',
      choices: [[1, 2], []],
    });
    assert.deepEqual(objects[0]?.['cid'], String(cidOf(entryAt(0))));
    assert.deepEqual(dagJson.parse<Record<string, unknown>>(lines[0] ?? '')['entry'] instanceof Object, true);
    assert.equal(
      objects.filter((object) => 'checkpoint' in object).at(-1)?.['checkpoint'],
      LOG.checkpoints.at(-1),
    );
  });

  it('is refused, naming the line, where a line says anything that its entry does not', async (t) => {
    const folder = await tempFolder(t);
    const path = join(folder, 'log.jsonl');
    await exportJsonLines(LOG.source(), path);
    const good = await linesOf(path);
    const ballotAt = good.findIndex((line) => line.includes('"ballot":'));
    const line = good[ballotAt] ?? '';
    const lies = [
      line.replace('"choices":[[0]', '"choices":[[1]'),
      line.replace(/,"ballot":.*$/, '}'),
      line.replace('"cid":"b', '"cid":"c'),
      line.replace('"entry":', '"entry": '),
      line.replace('{"entry":', '{"extra":1,"entry":'),
      line.replace(/\}$/, ',"note":"x"}'),
      `${line}\r`,
      ` ${line}`,
      `${line} `,
      line.replace('"kind":"ballot"', '"kind":"ballot","kind":"ballot"'),
      '',
      '{}',
      'null',
      '{"entry":{}}',
      '{"entry":',
      '{"entry":1e400,"cid":""}',
      'not JSON',
    ];
    for (const lie of lies) {
      assert.notEqual(lie, line);
      await writeFile(path, good.with(ballotAt, lie).join('\n'));
      const source = await openJsonLinesSource(path);
      await assert.rejects(
        entriesOf(source),
        failsWith('export-damaged', `line ${ballotAt + 1} `, path),
        lie,
      );
    }
    const checkpointAt = good.findIndex((each) => each.startsWith('{"checkpoint"'));
    for (const lie of [
      '{"checkpoint":1}',
      '{"checkpoint":"a\\u0062"}',
      '{"checkpoint":"x"} ',
      '{"checkpoint":"x"',
    ]) {
      await writeFile(path, good.with(checkpointAt, lie).join('\n'));
      const source = await openJsonLinesSource(path);
      await assert.rejects(
        collect(source.checkpoints(0)),
        failsWith('export-damaged', `line ${checkpointAt + 1} `),
        lie,
      );
    }
  });

  it('is refused where a line never ends, or is not UTF-8', async (t) => {
    const path = join(await tempFolder(t), 'log.jsonl');
    await writeFile(path, `{"entry":${'1'.repeat(5_000_000)}`);
    await assert.rejects(
      entriesOf(await openJsonLinesSource(path)),
      failsWith('export-damaged', 'line 1 is too long'),
    );
    await writeFile(path, Buffer.concat([Buffer.from('{"entry":"'), Buffer.from([0xff, 0x22, 0x7d, 0x0a])]));
    await assert.rejects(
      entriesOf(await openJsonLinesSource(path)),
      failsWith('export-damaged', 'line 1 is not UTF-8'),
    );
  });
});

describe('a file that is opened as an export', () => {
  it('is told by its content, not by its name', async (t) => {
    const folder = await tempFolder(t);
    await exportCar(LOG.source(), join(folder, 'log.jsonl'));
    await exportJsonLines(LOG.source(), join(folder, 'log.car'));
    for (const name of ['log.jsonl', 'log.car']) {
      assert.deepEqual(await entriesOf(await openExport(join(folder, name))), ENTRIES);
    }
  });

  it('is refused at once where it is none', async (t) => {
    const folder = await tempFolder(t);
    const others = [
      '',
      'x',
      '{}',
      '{"psephos":"key"}',
      '[1]',
      '\ufeff{"entry":',
      'PK\u0003\u0004',
      '\u0000'.repeat(500),
    ];
    for (const text of others) {
      await writeFile(join(folder, 'file'), text);
      await assert.rejects(
        openExport(join(folder, 'file')),
        failsWith('not-an-export', 'file is not an export', 'admin export'),
        text,
      );
    }
    await assert.rejects(openExport(join(folder, 'missing')), failsWith('not-found', 'missing'));
    await assert.rejects(openExport(folder), failsWith('is-folder', folder));
  });
});
