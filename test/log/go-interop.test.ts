import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { concatBytes, toBase64 } from '#src/base/bytes.js';
import { formatCheckpointBody, origin, signCheckpoint, verifierKey } from '#src/log/checkpoint.js';
import { cosign, cosignerName, cosignerVerifierKey, openCosigned } from '#src/log/cosignature.js';
import { consistencyProof, inclusionProof, leafHash, readRoot } from '#src/log/merkle.js';
import { formatReceipt } from '#src/log/receipt.js';
import { tileNodeReader } from '#src/log/tiles.js';
import { needs } from '../support/needs.js';
import { repositoryPath } from '../support/repository.js';
import { valueOf } from '../support/results.js';
import { type TestKey, testKey } from '../support/test-keys.js';
import { storeOf } from '../support/tile-store.js';

/** Where Debian's golang-golang-x-mod-dev puts the sources. */
const GOPATH = '/usr/share/gocode';

const folder = mkdtempSync(join(tmpdir(), 'psephos-go-judge-'));
after(() => {
  rmSync(folder, { recursive: true, force: true });
});

const judgePath = join(folder, 'judge');

/** Builds the judge once; false, with the test skipped, where Go or x/mod is absent. */
function hasJudge(t: TestContext): boolean {
  if (!needs(t, 'go (Debian: golang-go)', spawnSync('go', ['version']).status === 0)) return false;
  const sources = existsSync(join(GOPATH, 'src/golang.org/x/mod/sumdb/note'));
  if (!needs(t, 'golang.org/x/mod (Debian: golang-golang-x-mod-dev)', sources)) return false;
  if (existsSync(judgePath)) return true;
  const env = {
    PATH: process.env['PATH'],
    HOME: folder,
    GOCACHE: join(folder, 'cache'),
    GO111MODULE: 'off',
    GOPROXY: 'off',
    GOPATH,
  };
  const source = repositoryPath('test/interop/go/main.go');
  const built = spawnSync('go', ['build', '-o', judgePath, source], { env, encoding: 'utf8' });
  assert.equal(built.status, 0, built.stderr);
  return true;
}

interface Verdict {
  readonly accepted: boolean;
  readonly output: string;
  readonly reason: string;
}

/** Asks the judge. Bytes and texts are handed over as files; keys and the like, which begin with "key:", as they are. */
function judge(command: string, ...inputs: (string | Uint8Array)[]): Verdict {
  const args = inputs.map((input, place) => {
    if (typeof input === 'string' && input.startsWith('key:')) return input.slice(4);
    const path = join(folder, `input-${place}`);
    writeFileSync(path, input);
    return path;
  });
  const { status, stdout, stderr } = spawnSync(judgePath, [command, ...args], { encoding: 'utf8' });
  assert.ok(status === 0 || status === 1, stderr);
  return { accepted: status === 0, output: stdout, reason: stderr };
}

const key = testKey(1);
const name = origin('bafyreigh2akiscaildc');
const vkey = `key:${verifierKey(name, key.publicKey)}`;
const sizes = [1, 2, 3, 5, 8, 255, 256, 257, 700];
const entries = Array.from({ length: 700 }, (_, index) => new TextEncoder().encode(`entry ${index}`));
const { store } = storeOf(entries.map(leafHash), 97);

async function checkpointOf(size: number): Promise<string> {
  const root = await readRoot(tileNodeReader(store.read, size), size);
  return signCheckpoint({ origin: name, size, root }, key.seed, key.publicKey);
}

async function receiptOf(index: number, size: number): Promise<string> {
  const proof = await inclusionProof(tileNodeReader(store.read, size), index, size);
  const checkpoint = { text: await checkpointOf(size) };
  return formatReceipt({ index, proof, checkpoint, extra: entries[index] as Uint8Array });
}

const observers = [testKey(21), testKey(22), testKey(23)] as const;
const NOW = 1_750_000_000;
const cosignerKey = ({ publicKey }: TestKey): string => `key:${cosignerVerifierKey(publicKey)}`;
/** The same with the seed, as Go's `note` writes signers' keys. */
function cosignerSecret({ publicKey, seed }: TestKey): string {
  const [signer = '', id = ''] = cosignerVerifierKey(publicKey).split('+');
  return `key:PRIVATE+KEY+${signer}+${id}+${toBase64(concatBytes(Uint8Array.of(4), seed))}`;
}

/** The text with the character at `at` replaced by another that could stand there. */
const altered = (text: string, at: number): string =>
  text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1);

describe('Go’s golang.org/x/mod/sumdb', () => {
  it('opens our checkpoints and reads the same tree', async (t) => {
    if (!hasJudge(t)) return;
    for (const size of sizes) {
      const root = await readRoot(tileNodeReader(store.read, size), size);
      const verdict = judge('checkpoint', vkey, await checkpointOf(size));
      assert.deepEqual(
        [verdict.accepted, verdict.output],
        [true, `${size} ${toBase64(root)}\n`],
        verdict.reason,
      );
    }
  });

  it('opens our checkpoints among signatures that it does not know', async (t) => {
    if (!hasJudge(t)) return;
    const text = await checkpointOf(8);
    const other = testKey(2);
    const cosigned = signCheckpoint(
      { origin: name, size: 8, root: new Uint8Array(32) },
      other.seed,
      other.publicKey,
    );
    const line = cosigned.slice(cosigned.indexOf('\n\n') + 2);
    assert.ok(judge('checkpoint', vkey, text + line).accepted);
    assert.match(
      judge('checkpoint', vkey, text.slice(0, text.indexOf('\n\n') + 2) + line).reason,
      /no verifiable/,
    );
  });

  it('refuses altered checkpoints and another key', async (t) => {
    if (!hasJudge(t)) return;
    const text = await checkpointOf(300);
    for (let at = 0; at < text.length; at += 5) {
      const changed = altered(text, at);
      assert.equal(judge('checkpoint', vkey, changed).accepted, false, changed);
    }
    const other = `key:${verifierKey(name, testKey(2).publicKey)}`;
    assert.equal(judge('checkpoint', other, text).accepted, false);
  });

  it('signs a checkpoint to the same bytes as we do', async (t) => {
    if (!hasJudge(t)) return;
    const root = await readRoot(tileNodeReader(store.read, 257), 257);
    const [, id = ''] = vkey.slice(4).split('+');
    const skey = `key:PRIVATE+KEY+${name}+${id}+${toBase64(concatBytes(Uint8Array.of(1), key.seed))}`;
    const signed = judge('sign', skey, formatCheckpointBody({ origin: name, size: 257, root }));
    assert.equal(signed.output, await checkpointOf(257));
  });

  it('accepts our receipts for the first, middle and last entry', async (t) => {
    if (!hasJudge(t)) return;
    for (const size of sizes) {
      for (const index of new Set([0, size >> 1, size - 1])) {
        const verdict = judge('receipt', vkey, await receiptOf(index, size), entries[index] as Uint8Array);
        assert.ok(verdict.accepted, verdict.reason);
      }
    }
  });

  it('refuses altered receipts, and receipts for another entry', async (t) => {
    if (!hasJudge(t)) return;
    const index = 130;
    const entry = entries[index] as Uint8Array;
    const text = await receiptOf(index, 257);
    assert.ok(judge('receipt', vkey, text, entry).accepted);
    assert.equal(judge('receipt', vkey, text, entries[131] as Uint8Array).accepted, false);
    for (const other of ['index 129\n', 'index 131\n', 'index 257\n', 'index -1\n']) {
      assert.equal(judge('receipt', vkey, text.replace('index 130\n', other), entry).accepted, false);
    }
    assert.equal(
      judge('receipt', vkey, text.replace(await checkpointOf(257), await checkpointOf(256)), entry).accepted,
      false,
    );
    // From the first hash on, where the unauthenticated extra data ends.
    for (let at = text.indexOf('index 130\n') + 10; at < text.length; at += 11) {
      // x/mod decodes base64 leniently: the bits before padding may vary, which only our own reader refuses.
      if (text[at + 1] === '=') continue;
      const changed = altered(text, at);
      assert.equal(judge('receipt', vkey, changed, entry).accepted, false, changed);
    }
  });

  it('accepts our consistency proofs, and refuses altered ones', async (t) => {
    if (!hasJudge(t)) return;
    for (const second of sizes) {
      const newer = await checkpointOf(second);
      for (const first of sizes.filter((size) => size <= second)) {
        const older = await checkpointOf(first);
        const proof = await consistencyProof(tileNodeReader(store.read, second), first, second);
        const text = proof.map((hash) => `${toBase64(hash)}\n`).join('');
        const verdict = judge('consistency', vkey, older, newer, text);
        assert.ok(verdict.accepted, verdict.reason);
        if (first === second) continue;
        assert.equal(judge('consistency', vkey, newer, older, text).accepted, false);
        assert.equal(judge('consistency', vkey, older, newer, altered(text, 3)).accepted, false);
        assert.equal(judge('consistency', vkey, older, newer, text.slice(0, -45)).accepted, false);
      }
    }
  });

  it('opens what our observers cosigned, with the verifiers of the log and of each', async (t) => {
    if (!hasJudge(t)) return;
    for (const [place, size] of sizes.entries()) {
      const text = await checkpointOf(size);
      const time = [0, NOW, 253_402_300_799][place % 3] as number;
      const cosigned = text + observers.map((observer) => cosign({ text }, observer, time)).join('');
      for (const observer of observers) {
        const verdict = judge('cosigned', vkey, cosignerKey(observer), cosigned);
        const signers = `${name}\n${cosignerName(observer.publicKey)}\n${time}\n`;
        assert.deepEqual([verdict.accepted, verdict.output], [true, signers], verdict.reason);
      }
      assert.ok(judge('checkpoint', vkey, cosigned).accepted);
    }
  });

  it('refuses altered cosignatures, and those of other observers and checkpoints', async (t) => {
    if (!hasJudge(t)) return;
    const [observer, another] = observers;
    const text = await checkpointOf(300);
    const line = cosign({ text }, observer, NOW);
    const accepts = (note: string, by: TestKey = observer): boolean =>
      judge('cosigned', vkey, cosignerKey(by), note).accepted;
    assert.ok(accepts(text + line));
    assert.equal(accepts(text), false);
    assert.equal(accepts(text + line, another), false);
    assert.equal(accepts((await checkpointOf(299)) + line), false);
    // The log's own signature is needed, too.
    assert.equal(accepts(text.slice(0, text.indexOf('\n\n') + 2) + line), false);
    for (let at = 0; at < line.length; at += 3) {
      // What stands before padding is read leniently, see above.
      if (line[at + 1] === '=') continue;
      const changed = altered(line, at);
      assert.equal(accepts(text + changed), false, changed);
    }
    const renamed = line.replace(cosignerName(observer.publicKey), cosignerName(another.publicKey));
    assert.equal(accepts(text + renamed, another), false);
  });

  it('cosigns to the same bytes as we do, which we take', async (t) => {
    if (!hasJudge(t)) return;
    const log = { origin: name, publicKey: key.publicKey };
    const [anna, bruno] = observers;
    for (const size of sizes) {
      const text = await checkpointOf(size);
      const first = judge('cosign', vkey, cosignerSecret(anna), `key:${NOW}`, text);
      assert.equal(first.output, text + cosign({ text }, anna, NOW), first.reason);
      const second = judge('cosign', vkey, cosignerSecret(bruno), `key:${NOW + 1}`, first.output);
      const opened = valueOf(openCosigned(second.output, log));
      assert.deepEqual(
        opened.cosignatures.map(({ observer, time }) => [observer, time]),
        [
          [anna.publicKey, NOW],
          [bruno.publicKey, NOW + 1],
        ],
        second.reason,
      );
      assert.equal(opened.text, second.output);
      assert.equal(opened.bare, text);
    }
  });

  it('reads our tiles, and refuses altered ones', async (t) => {
    if (!hasJudge(t)) return;
    const tiles = join(folder, 'tiles');
    mkdirSync(tiles);
    for (const [place, bytes] of store.tiles) writeFileSync(join(tiles, place.replace('/', '-')), bytes);
    // How many perfect subtrees a tree of so many leaves holds.
    for (const [size, subtrees] of [
      [1, 1],
      [256, 511],
      [257, 512],
      [700, 1394],
    ] as const) {
      const verdict = judge('tiles', vkey, await checkpointOf(size), `key:${tiles}`);
      assert.deepEqual([verdict.accepted, verdict.output], [true, `${subtrees}\n`], verdict.reason);
    }
    for (const place of store.tiles.keys()) {
      const path = join(tiles, place.replace('/', '-'));
      const bytes = store.tiles.get(place) as Uint8Array;
      const at = bytes.length - 7;
      writeFileSync(path, bytes.with(at, (bytes[at] as number) ^ 1));
      assert.equal(judge('tiles', vkey, await checkpointOf(700), `key:${tiles}`).accepted, false, place);
      writeFileSync(path, bytes);
    }
  });
});
