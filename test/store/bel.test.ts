import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, describe, it } from 'node:test';
import type { LogSource } from '#src/audit/source.js';
import { compareBytes } from '#src/base/bytes.js';
import { readArchiveHeader } from '#src/belenios/v1/archive/reader.js';
import { decodePublicCredentials } from '#src/belenios/v1/encoding/credentials.js';
import { decodeHeader } from '#src/belenios/v1/encoding/events.js';
import type { Entry, EntryContent } from '#src/election/entries.js';
import { decodeEntry } from '#src/log/entry-codec.js';
import { exportBelenios, exportCar, exportJsonLines, openExport, openSnapshot } from '#src/store/index.js';
import { entriesOf as eventsOf } from '../belenios/fixtures.ts';
import { LogBuilder, sampleLog } from '../support/build-log.ts';
import { valueOf } from '../support/results.ts';
import { SealedElection } from '../support/sealed-election.ts';
import { QUESTION } from '../support/temp-election.ts';
import { failsWith, tempFolder } from './folder.ts';
import { entriesOf } from './made-batches.ts';

/** An election that was counted. */
async function counted(t: TestContext, weightOf = (voter: number) => voter + 1): Promise<SealedElection> {
  const election = await SealedElection.create(t, { questions: [QUESTION], voters: 5, weightOf });
  await election.open();
  await election.vote(1, [[0]]);
  await election.vote(4, [null]);
  await election.close();
  await election.count(election.decryption(1));
  return election;
}

/** A log whose newest checkpoint covers these entries. */
async function withEntries(source: LogSource, entries: readonly Uint8Array[]): Promise<LogSource> {
  const [name, , root] = ((await source.latestCheckpoint()) ?? '').split('\n');
  return {
    name: 'a made-up log',
    entries: async function* (from, to) {
      yield await Promise.resolve(entries.slice(from, to));
    },
    // eslint-disable-next-line @typescript-eslint/require-await
    checkpoints: async function* () {
      yield* [];
    },
    latestCheckpoint: () => Promise.resolve(`${name}\n${entries.length}\n${root}\n`),
  };
}

/** What an entry says, without its place in the log. */
function contentOf(entry: Entry): EntryContent {
  const place = ['v', 'seq', 'prev', 'time'];
  return Object.fromEntries(Object.entries(entry).filter(([name]) => !place.includes(name))) as EntryContent;
}

describe('a round exported as a Belenios archive', () => {
  it('is the same from the data folder, a copy of it, and exports in both forms', async (t) => {
    const election = await counted(t);
    const folder = await tempFolder(t);
    const file = (name: string) => join(folder, name);
    await election.exportTo(file('own.bel'));
    await exportCar(election.source, file('log.car'));
    await exportJsonLines(election.source, file('log.jsonl'));
    await election.election.close();
    const snapshot = await openSnapshot(election.election.folder);
    t.after(() => snapshot.close());
    for (const source of [snapshot, await openExport(file('log.car')), await openExport(file('log.jsonl'))]) {
      assert.equal(await exportBelenios(source, file('copy.bel'), { force: true }), 1);
      assert.deepEqual(await readFile(file('copy.bel')), await readFile(file('own.bel')));
    }
  });

  it("begins at the round's opening, in whole seconds", async (t) => {
    const election = await SealedElection.create(t, { questions: [QUESTION] });
    election.election.now = 1_764_083_161_999;
    await election.open();
    election.election.now += 86_400_000;
    await election.vote(0, [[1]]);
    const path = join(await tempFolder(t), 'round.bel');
    await election.exportTo(path);
    const header = valueOf(await readArchiveHeader([await readFile(path)]));
    assert.equal(valueOf(decodeHeader(header)), 1_764_083_161);
  });

  it('lists the credentials by their bytes, with weights where not all are 1', async (t) => {
    for (const [weightOf, weights] of [
      [() => 1, [undefined, undefined, undefined, undefined, undefined]],
      [(voter: number) => (voter === 2 ? 3 : 1), [1n, 1n, 1n, 1n, 3n]],
    ] as const) {
      const election = await counted(t, weightOf);
      const path = join(await tempFolder(t), 'round.bel');
      await election.exportTo(path);
      const [setup] = await eventsOf(await readFile(path));
      const credentials = valueOf(decodePublicCredentials(setup?.data[2]?.text ?? ''));
      const keys = credentials.map(({ key }) => key);
      assert.deepEqual(keys, keys.toSorted(compareBytes));
      assert.deepEqual(credentials.map(({ weight }) => weight).sort(), weights);
    }
  });

  it('says why there is none', async (t) => {
    const folder = await tempFolder(t);
    const path = join(folder, 'round.bel');
    const open = sampleLog().source();
    await assert.rejects(exportBelenios(open, path), failsWith('not-sealed', /open ballots/, '--car'));
    const fresh = await SealedElection.create(t, { questions: [QUESTION] });
    for (const round of [undefined, 1])
      await assert.rejects(exportBelenios(fresh.source, path, { round }), failsWith('not-opened', 'Round 1'));
    await assert.rejects(
      exportBelenios(fresh.source, path, { round: 2 }),
      failsWith('no-such-round', 'no round 2'),
    );
    await fresh.open();
    await assert.rejects(exportBelenios(fresh.source, path, { round: 2 }), failsWith('not-opened'));
    await assert.rejects(
      exportBelenios(fresh.source, path, { round: 3 }),
      failsWith('no-such-round', 'no round 3: there is one round'),
    );
    await assert.rejects(exportBelenios(new LogBuilder().source(), path), failsWith('nothing-to-export'));
    await fresh.exportTo(path);
    await assert.rejects(exportBelenios(fresh.source, path), failsWith('file-exists'));
    assert.deepEqual(await readdir(folder), ['round.bel']);
  });

  it('is not made of a log that does not hold together', async (t) => {
    const { source } = await counted(t);
    const folder = await tempFolder(t);
    const entries = await entriesOf(source);
    const ballot = entries.findIndex((bytes) => valueOf(decodeEntry(bytes)).kind === 'ballot');
    const flipped = entries.map((bytes, seq) => {
      if (seq !== ballot) return bytes;
      const changed = Uint8Array.from(bytes);
      changed[500] = (changed[500] ?? 0) ^ 1;
      return changed;
    });
    const cases: readonly (readonly [Uint8Array[], RegExp])[] = [
      [entries.toSpliced(ballot, 1), new RegExp(`Entry ${ballot} can't be there`)],
      [entries.with(ballot, new Uint8Array(9)), new RegExp(`Entry ${ballot} can't be read`)],
      [flipped, new RegExp(`Entry ${ballot + 1} can't be there: its "prev"`)],
      [[...entries, ...entries.slice(-1)], new RegExp(`Entry ${entries.length} can't be there`)],
    ];
    for (const [made, message] of cases) {
      const log = await withEntries(source, made);
      await assert.rejects(
        exportBelenios(log, join(folder, 'round.bel'), { round: 1 }),
        failsWith('store-damaged', message),
      );
    }
    assert.deepEqual(await readdir(folder), []);
  });

  it('is not made of a log that holds what no archive has room for', async (t) => {
    const { source } = await counted(t);
    const path = join(await tempFolder(t), 'round.bel');
    const contents = (await entriesOf(source)).map((bytes) => valueOf(decodeEntry(bytes)));
    const madeOf = async (entries: typeof contents) => {
      const builder = new LogBuilder();
      for (const entry of entries) builder.append(contentOf(entry));
      builder.checkpoint();
      return withEntries(source, builder.entries);
    };
    await assert.rejects(
      exportBelenios(await madeOf(contents.filter(({ kind }) => kind !== 'decryption')), path),
      failsWith('store-damaged', /no place in an archive: Result can't come after EncryptedTally/),
    );
    const unsound = contents.map((entry) =>
      entry.kind === 'trustees' ? { ...entry, trustees: entry.trustees.replace(/\d/, 'x') } : entry,
    );
    await assert.rejects(
      exportBelenios(await madeOf(unsound), path),
      failsWith('store-damaged', /the trustees are not sound/),
    );
  });
});
