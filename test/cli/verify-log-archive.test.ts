import assert from 'node:assert/strict';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { jsonLines, run } from '../support/processes.ts';
import { repositoryPath } from '../support/repository.ts';
import { tempFolder } from '../support/temp-election.ts';

const fixture = (path: string) => repositoryPath(`test/fixtures/belenios/${path}`);

describe('verify-log on a Belenios archive', () => {
  it('says what was checked and what the result is', async () => {
    const { code, stdout } = await run('verify-log', [fixture('h-weights/tallied.bel')]);
    assert.equal(code, 0, stdout);
    assert.match(stdout, /Belenios, protocol version 1, tallied/);
    assert.match(stdout, /✓ The result is what the decryptions give/);
    assert.match(stdout, /VALID: 4 ballots checked, nothing wrong; the election is tallied\.\n$/);
  });

  it('says which ballot is bad and why, and exits with 1', async () => {
    const { code, stdout } = await run('verify-log', [
      fixture('invalid/blank-blank-proof-missing/archive.bel'),
    ]);
    assert.equal(code, 1);
    assert.match(stdout, /✗ Every ballot/);
    assert.match(stdout, /INVALID: ballots: ballot \d+ .*question 1/);
  });

  it('prints JSON, and knows an archive by its content', async (t) => {
    const path = join(await tempFolder(t), 'election');
    await copyFile(fixture('h-single/closed.bel'), path);
    const { code, stdout } = await run('verify-log', ['--json', '--workers', '0', path]);
    assert.equal(code, 0);
    const lines = jsonLines(stdout);
    assert.equal(lines[0]?.['format'], 'belenios');
    assert.equal(lines[0]['stage'], 'closed');
    assert.deepEqual(
      lines.filter(({ event }) => event === 'check').map(({ id, verdict }) => [id, verdict]),
      [
        ['archive', 'valid'],
        ['election', 'valid'],
        ['trustees', 'valid'],
        ['credentials', 'valid'],
        ['ballots', 'valid'],
        ['tally', 'valid'],
        ['decryptions', 'absent'],
        ['result', 'absent'],
      ],
    );
    assert.equal(lines.at(-1)?.['verdict'], 'valid');
  });

  it('refuses what only a log has, and a file that is not there, with 2', async () => {
    const election = await run('verify-log', ['--election', 'bafy', fixture('h-single/open.bel')]);
    assert.equal(election.code, 2);
    assert.match(election.stderr, /Belenios archive/);
    const missing = await run('verify-log', ['no-such.bel']);
    assert.equal(missing.code, 2);
    assert.match(missing.stderr, /no-such\.bel does not exist/);
  });
});
