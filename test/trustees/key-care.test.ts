import assert from 'node:assert/strict';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ENTER, capturedIo } from '../support/captured-io.ts';
import { tempFolder } from '../support/temp-election.ts';
import { type Ran, trustee } from '../support/trustee-program.ts';
import { runTrustee } from '#src/cli/trustee.js';

const PASSPHRASE = 'not a real passphrase 1';
const codeOf = ({ lines }: Ran) => (lines.at(-1)?.['error'] as { code: string } | undefined)?.code;

async function folderWithKey(t: Parameters<typeof tempFolder>[0]) {
  const folder = await tempFolder(t);
  const path = (name: string) => join(folder, name);
  const secret = async (name: string, text: string) => {
    await writeFile(path(name), text, { mode: 0o600 });
    return path(name);
  };
  const passphrase = await secret('passphrase.txt', `${PASSPHRASE}\n`);
  const made = await trustee('keygen', '--out', path('t.key'), '--passphrase-file', passphrase);
  assert.equal(made.code, 0, made.err);
  return { path, secret, passphrase };
}

describe('a trustee’s key', () => {
  it('is a file for its owner alone, from which nobody gets the key without the passphrase', async (t) => {
    const { path } = await folderWithKey(t);
    assert.equal((await stat(path('t.key'))).mode & 0o777, 0o600);
    const file = JSON.parse(await readFile(path('t.key'), 'utf8')) as Record<string, unknown>;
    assert.deepEqual(Object.keys(file), ['psephos', 'version', 'role', 'publicKey', 'locked']);
    assert.ok(!JSON.stringify(file).includes(PASSPHRASE));
  });

  it('is opened by its passphrase alone, and not when anything in the file was changed', async (t) => {
    const { path, secret, passphrase } = await folderWithKey(t);
    const backup = (name: string, phrase: string) =>
      trustee('backup', '--key', path(name), '--out', path('copy.key'), '--passphrase-file', phrase);
    const wrong = await secret('wrong.txt', 'not a real passphrase 2');
    const refused = await backup('t.key', wrong);
    assert.deepEqual([refused.code, codeOf(refused)], [1, 'wrong-passphrase']);
    assert.ok(!`${refused.out}${refused.err}`.includes('not a real'));
    const nobody = await trustee('backup', '--key', path('t.key'), '--out', path('copy.key'));
    assert.deepEqual([nobody.code, codeOf(nobody)], [2, 'usage']);
    const text = await readFile(path('t.key'), 'utf8');
    const { publicKey, locked } = JSON.parse(text) as { publicKey: string; locked: Record<string, string> };
    const flipped = (hex: string) => `${hex.startsWith('0') ? '1' : '0'}${hex.slice(1)}`;
    for (const hex of [publicKey, locked['salt'], locked['nonce'], locked['ciphertext']]) {
      assert.ok(hex !== undefined);
      await secret('changed.key', text.replace(hex, flipped(hex)));
      const changed = await backup('changed.key', passphrase);
      assert.deepEqual([changed.code, codeOf(changed)], [1, 'wrong-passphrase']);
    }
    await secret('costly.key', text.replace(/"mem": \d+/, '"mem": 99999999744'));
    assert.equal(codeOf(await backup('costly.key', passphrase)), 'not-a-key-file');
  });

  it('is copied and put back with its passphrase, and never over another file', async (t) => {
    const { path, passphrase } = await folderWithKey(t);
    const phrase = ['--passphrase-file', passphrase];
    const made = await trustee('backup', '--key', path('t.key'), '--out', path('copy.key'), ...phrase);
    assert.equal(made.code, 0, made.err);
    assert.equal((await stat(path('copy.key'))).mode & 0o777, 0o600);
    assert.equal(await readFile(path('copy.key'), 'utf8'), await readFile(path('t.key'), 'utf8'));
    const over = await trustee('restore', path('copy.key'), '--key', path('t.key'), ...phrase);
    assert.deepEqual([over.code, codeOf(over)], [1, 'file-exists']);
    const back = await trustee('restore', path('copy.key'), '--key', path('back.key'), ...phrase);
    assert.equal(back.code, 0, back.err);
    assert.equal(await readFile(path('back.key'), 'utf8'), await readFile(path('t.key'), 'utf8'));
  });

  it('gets another passphrase, or none', async (t) => {
    const { path, secret, passphrase } = await folderWithKey(t);
    const other = await secret('other.txt', 'another that is not real');
    const old = ['--key', path('t.key'), '--passphrase-file', passphrase];
    const changed = await trustee('passphrase', ...old, '--new-passphrase-file', other);
    assert.equal(changed.code, 0, changed.err);
    const refused = await trustee('passphrase', ...old, '--no-passphrase');
    assert.equal(codeOf(refused), 'wrong-passphrase');
    const bare = await trustee(
      'passphrase',
      '--key',
      path('t.key'),
      '--passphrase-file',
      other,
      '--no-passphrase',
    );
    assert.equal(bare.code, 0, bare.err);
    const key = JSON.parse(await readFile(path('t.key'), 'utf8')) as { version: number };
    assert.equal(key.version, 1);
    assert.equal((await stat(path('t.key'))).mode & 0o777, 0o600);
  });

  it('is not made with a passphrase that is short, or where nobody says which', async (t) => {
    const folder = await tempFolder(t);
    const file = join(folder, 'short.txt');
    await writeFile(file, 'short', { mode: 0o600 });
    const key = join(folder, 't.key');
    const short = await trustee('keygen', '--out', key, '--passphrase-file', file);
    assert.deepEqual([short.code, codeOf(short)], [1, 'weak-passphrase']);
    const silent = await trustee('keygen', '--out', key);
    assert.deepEqual([silent.code, codeOf(silent)], [2, 'usage']);
    await assert.rejects(stat(key), { code: 'ENOENT' });
  });

  it('is not made beside the public part of another', async (t) => {
    const folder = await tempFolder(t);
    await writeFile(join(folder, 't.pub'), 'of another key\n');
    const refused = await trustee('keygen', '--out', join(folder, 't.key'), '--no-passphrase');
    assert.deepEqual([refused.code, codeOf(refused)], [1, 'file-exists']);
    await assert.rejects(stat(join(folder, 't.key')), { code: 'ENOENT' });
  });

  it('is made at a terminal with a passphrase typed twice, which is not shown', async (t) => {
    const folder = await tempFolder(t);
    const io = capturedIo({ terminal: true });
    const ended = runTrustee(['keygen', '--out', join(folder, 't.key')], io);
    await io.waitFor('A new passphrase');
    io.type(`short${ENTER}`);
    await io.waitFor('fewer than 12');
    await io.waitFor('A new passphrase');
    io.type(`${PASSPHRASE}${ENTER}`);
    await io.waitFor('The same again');
    io.type(`${PASSPHRASE}${ENTER}`);
    assert.equal(await ended, 0);
    assert.ok(!`${io.out()}${io.err()}`.includes(PASSPHRASE));
  });
});
