import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parse } from 'csv-parse/sync';
import { PsephosError } from '#src/base/errors.js';
import {
  type Credential,
  credentialsCsv,
  makeCredentials,
  writeCredentials,
} from '#src/cli/credentials/credentials.js';
import { escapeHtml, sheetDocument } from '#src/cli/credentials/sheets.js';
import { credentialSeed, normaliseSecret } from '#src/crypto/credential.js';
import { publicKeyOf } from '#src/crypto/signature.js';
import { tempFolder, testSeed } from '../support/temp-election.ts';

const UUID = '01234567-89ab-4cde-8f01-23456789abcd';
/** The least cost that is accepted: what is tested here does not depend on it. */
const KDF = { name: 'argon2id', ops: 1, mem: 8 * 1024 * 1024 } as const;
const how = { random: randomBytes, onProgress: () => undefined, signal: new AbortController().signal };

const listed = (username: string, publicKey: Uint8Array | null = null) => ({
  username,
  name: '',
  email: '',
  weight: 2,
  publicKey,
});
const credential = (username: string): Credential => ({
  username,
  name: `Mx ${username}`,
  email: '',
  secret: 'AAAA-BBBB',
});
const ELECTION = { title: 'Board', of: 'election', fingerprint: 'FFFF-0000', address: undefined } as const;

describe('credentials', () => {
  it('are made for the voters without a key, whose key follows from them', async () => {
    const own = publicKeyOf(testSeed(7));
    const many = Array.from({ length: 40 }, (_, i) => listed(`voter${i}`));
    const made = await makeCredentials(
      [listed('ana'), listed('bo', own), ...many],
      { uuid: UUID, kdf: KDF },
      how,
    );
    assert.equal(made.credentials.length, 41);
    assert.equal(new Set(made.credentials.map(({ secret }) => secret)).size, 41);
    assert.deepEqual(made.voters[1], { name: 'bo', key: own, weight: 2 });
    for (const { username, secret } of made.credentials) {
      assert.ok(normaliseSecret(secret).ok);
      const key = publicKeyOf(credentialSeed({ uuid: UUID, username, secret, kdf: KDF }));
      assert.deepEqual(made.voters.find(({ name }) => name === username)?.key, key, username);
    }
  });

  it('tell of progress up to their number', async () => {
    const seen: number[] = [];
    const voters = Array.from({ length: 20 }, (_, i) => listed(`v${i}`));
    await makeCredentials(
      voters,
      { uuid: UUID, kdf: KDF },
      { ...how, onProgress: (done) => seen.push(done) },
    );
    assert.equal(seen.at(-1), 20);
    assert.ok(seen.every((done, index) => index === 0 || done > (seen[index - 1] as number)));
  });

  it('are not needed where all voters have keys', async () => {
    const made = await makeCredentials(
      [listed('bo', publicKeyOf(testSeed(7)))],
      { uuid: UUID, kdf: KDF },
      how,
    );
    assert.deepEqual(made.credentials, []);
  });

  it('are given up at Ctrl-C', async () => {
    const asked = new AbortController();
    const voters = Array.from({ length: 200 }, (_, i) => listed(`v${i}`));
    const made = makeCredentials(
      voters,
      { uuid: UUID, kdf: KDF },
      {
        ...how,
        signal: asked.signal,
        onProgress: () => {
          asked.abort();
        },
      },
    );
    await assert.rejects(made, (error) => error instanceof PsephosError && error.code === 'interrupted');
    await assert.rejects(
      makeCredentials(voters, { uuid: UUID, kdf: KDF }, { ...how, signal: AbortSignal.abort() }),
      /Interrupted/,
    );
  });

  it('are written for the owner alone, with a page for each voter', async (t) => {
    const folder = await tempFolder(t);
    const names = await writeCredentials(
      folder,
      ELECTION,
      Array.from({ length: 201 }, (_, i) => credential(`v${i}`)),
    );
    assert.deepEqual(names, [
      'README.txt',
      'credentials.csv',
      'sheets-0001.html',
      'sheets-0002.html',
      'sheets-0003.html',
    ]);
    assert.deepEqual((await readdir(join(folder, 'credentials'))).sort(), [...names].sort());
    for (const name of names)
      assert.equal((await stat(join(folder, 'credentials', name))).mode & 0o777, 0o600, name);
    assert.equal((await stat(join(folder, 'credentials'))).mode & 0o777, 0o700);
    const pages = async (name: string) =>
      (await readFile(join(folder, 'credentials', name), 'utf8')).split('<section>').length - 1;
    assert.deepEqual(await Promise.all(names.slice(2).map(pages)), [100, 100, 1]);
    assert.match(await readFile(join(folder, 'credentials/README.txt'), 'utf8'), /Delete this whole folder/);
  });

  it('are a table that no spreadsheet takes for formulas', () => {
    const csv = credentialsCsv([{ username: '=1+1', name: 'Ana "A", B', email: '@x', secret: 'AAAA' }]);
    const rows: string[][] = parse(csv);
    assert.deepEqual(rows, [
      ['username', 'name', 'email', 'secret'],
      ["'=1+1", 'Ana "A", B', "'@x", 'AAAA'],
    ]);
  });
});

describe('a printable sheet', () => {
  it('shows what a voter needs, and nothing as markup', () => {
    const html = sheetDocument({ ...ELECTION, title: '<script>alert(1)</script>' }, [
      { username: 'a&b', name: '"Ana" <img>', email: '', secret: 'AAAA-BBBB' },
    ]);
    assert.ok(!html.includes('<script') && !html.includes('<img'));
    for (const text of ['&lt;script&gt;', 'a&amp;b', '&quot;Ana&quot; &lt;img&gt;', 'AAAA-BBBB', 'FFFF-0000'])
      assert.ok(html.includes(text), text);
    assert.match(html, /never leaves your computer/);
    assert.equal(html.match(/<li>/g)?.length, 3);
  });

  it('needs nothing from elsewhere', () => {
    const html = sheetDocument(ELECTION, [credential('ana')]);
    assert.doesNotMatch(html, /(?:src|href)=|@import|url\(/);
  });

  it('shows the address where it is known, else a line to write it on', () => {
    assert.match(sheetDocument(ELECTION, [credential('ana')]), /class="line"/);
    const known = sheetDocument({ ...ELECTION, address: '/dns4/example.org/tcp/4000' }, [credential('ana')]);
    assert.ok(known.includes('/dns4/example.org/tcp/4000') && !known.includes('class="line"'));
  });

  it('escapes every character that has a meaning', () => {
    assert.equal(
      escapeHtml(`<a href="x" class='y'>&</a>`),
      '&lt;a href=&quot;x&quot; class=&#39;y&#39;&gt;&amp;&lt;/a&gt;',
    );
  });
});
