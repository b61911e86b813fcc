import assert from 'node:assert/strict';
import { readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { cidOf } from '#src/crypto/cid.js';
import { publicKeyOf } from '#src/crypto/signature.js';
import { origin, signCheckpoint } from '#src/log/checkpoint.js';
import { formatReceipt } from '#src/log/receipt.js';
import { NOTHING_REMEMBERED, type Remembered } from '#src/services/ports.js';
import { VoterMemoryFile } from '#src/store/voter-memory.js';
import { AUTHORITY, tempFolder, testSeed } from '../support/temp-election.ts';

const ELECTION = cidOf(Uint8Array.of(1)).toString();
const KEY = publicKeyOf(AUTHORITY);

function checkpoint(size: number, electionId = ELECTION): string {
  return signCheckpoint({ origin: origin(electionId), size, root: new Uint8Array(32) }, AUTHORITY, KEY);
}

function receipt(index: number, electionId = ELECTION) {
  const parts = { index, proof: [], checkpoint: { text: checkpoint(index + 1, electionId) } };
  return { text: formatReceipt({ ...parts, extra: Uint8Array.of(index + 1) }), round: 1, found: null };
}

const SOMETHING: Remembered = {
  checkpoint: checkpoint(7),
  observers: [{ key: publicKeyOf(testSeed(1)), addresses: ['/ip6/::1/tcp/1/p2p/x'] }],
  receipts: [receipt(3), { ...receipt(4), round: null, found: 9 }],
};

const isWhole = (path: string): never => assert.fail(`${path} was put aside`);

const adding = (index: number) => (before: Remembered) => ({
  ...before,
  receipts: [...before.receipts, receipt(index)],
});

describe('what a voter’s program remembers', () => {
  it('comes back as it was put, from a file for its owner alone', async (t) => {
    const folder = join(await tempFolder(t), 'state');
    const put: string[] = [];
    const memory = new VoterMemoryFile(folder, ELECTION, (path) => put.push(path));
    assert.deepEqual(await memory.read(), NOTHING_REMEMBERED);
    await assert.rejects(stat(folder), { code: 'ENOENT' });
    await memory.change(() => SOMETHING);
    assert.deepEqual(await memory.read(), SOMETHING);
    assert.equal((await stat(join(folder, `${ELECTION}.json`))).mode & 0o777, 0o600);
    assert.equal((await stat(folder)).mode & 0o777, 0o700);
    assert.deepEqual(put, []);
  });

  it('loses nothing to programs that write at once', async (t) => {
    const folder = await tempFolder(t);
    const memory = () => new VoterMemoryFile(folder, ELECTION, isWhole);
    await Promise.all(Array.from({ length: 30 }, (_, index) => memory().change(adding(index))));
    const { receipts } = await memory().read();
    assert.deepEqual(
      new Set(receipts.map(({ text }) => text)),
      new Set(Array.from({ length: 30 }, (_, index) => receipt(index).text)),
    );
    assert.deepEqual(await readdir(folder), [`${ELECTION}.json`], 'no lock is left');
  });

  it('is taken over from a program that was killed while it wrote', async (t) => {
    const folder = await tempFolder(t);
    const lock = join(folder, `${ELECTION}.json.lock`);
    // No process has this number: it is above the largest that Linux gives.
    await writeFile(lock, `${hostname()} 4194999\n`);
    const memory = () => new VoterMemoryFile(folder, ELECTION, isWhole);
    await Promise.all([0, 1, 2, 3].map((index) => memory().change(adding(index))));
    assert.equal((await memory().read()).receipts.length, 4);
    assert.deepEqual(await readdir(folder), [`${ELECTION}.json`]);
  });

  it('that is damaged, of another election, or no such file is put aside, and nothing of it is believed', async (t) => {
    const other = cidOf(Uint8Array.of(2)).toString();
    const good = {
      ...{ psephos: 'voter-memory', version: 1, electionId: ELECTION, checkpoint: checkpoint(3) },
      ...{ observers: [], receipts: [receipt(1)] },
    };
    const wrong: readonly (string | object)[] = [
      '',
      '{',
      'null',
      JSON.stringify(good).slice(0, -2),
      { ...good, version: 2 },
      { ...good, electionId: other },
      { ...good, more: 1 },
      { ...good, checkpoint: checkpoint(3, other) },
      { ...good, checkpoint: 'hello' },
      { ...good, receipts: [receipt(1, other)] },
      { ...good, receipts: [{ ...receipt(1), text: 'hello' }] },
      { ...good, receipts: [{ ...receipt(1), found: -1 }] },
      { ...good, observers: [{ key: 'zz', addresses: [] }] },
    ];
    for (const content of wrong) {
      const folder = await tempFolder(t);
      const put: string[] = [];
      const memory = new VoterMemoryFile(folder, ELECTION, (path) => put.push(path));
      const text = typeof content === 'string' ? content : JSON.stringify(content);
      await writeFile(join(folder, `${ELECTION}.json`), text);
      assert.deepEqual(await memory.read(), NOTHING_REMEMBERED, text);
      assert.equal(put.length, 1);
      assert.equal(await readFile(put[0] ?? '', 'utf8'), text, 'it is there still');
      await memory.change(() => SOMETHING);
      assert.deepEqual(await memory.read(), SOMETHING);
      assert.equal(put.length, 1);
    }
    const folder = await tempFolder(t);
    await writeFile(join(folder, `${ELECTION}.json`), JSON.stringify(good));
    assert.equal((await new VoterMemoryFile(folder, ELECTION, isWhole).read()).receipts.length, 1);
  });
});
