import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { repositoryPath } from '../support/repository.ts';
import { tempFolder } from '../support/temp-election.ts';

/** Commands that need no second terminal: they end by themselves, in the order in which README gives them. */
const RUNS_ALONE = /^node dist\/(?:admin\.js (?:init|open|status|close|next-round|export)|verify-log\.js) ?/;

describe('README', () => {
  it('gives commands that work, in its order, in a folder with two small files', async (t) => {
    const folder = await tempFolder(t);
    symlinkSync(repositoryPath('dist'), join(folder, 'dist'));
    writeFileSync(join(folder, 'candidates.txt'), 'Ada\nGrace\nHedy\n');
    writeFileSync(join(folder, 'voters.txt'), 'alice\nbob\n');
    const readme = readFileSync(repositoryPath('README.md'), 'utf8');
    const blocks = [...readme.matchAll(/```sh\n([\s\S]*?)```/g)].map((match) => match[1] ?? '');
    const commands = blocks.flatMap((block) => block.split('\n')).filter((line) => RUNS_ALONE.test(line));
    assert.ok(commands.length >= 9, `${commands.length} commands found`);
    for (const command of commands) {
      const { status, stdout, stderr } = spawnSync('sh', ['-c', command], { cwd: folder, encoding: 'utf8' });
      assert.equal(status, 0, `${command}\n${stdout}\n${stderr}`);
    }
  });
});
