import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pid } from 'node:process';
import { describe, it } from 'node:test';
import { removeStaleTemporaries } from '#src/store/files.js';
import { start } from '../support/processes.ts';
import { tempFolder } from '../support/temp-election.ts';

describe('files that were being written', () => {
  it('are removed when the process that wrote them is gone, and nothing else is', async (t) => {
    const folder = await tempFolder(t);
    // A process that has ended: its number is not given to another one so soon.
    const process = start('verify-log', ['--help']);
    const ended = process.pid;
    await process.finished;
    const mark = (writer: number) => `.some.key.psephos-${writer}-0123456789ab.tmp`;
    const kept = [mark(pid), 'some.key', '.other.tmp', '.some.key.psephos-x-0123456789ab.tmp'];
    for (const name of [mark(ended), ...kept]) await writeFile(join(folder, name), '');
    await removeStaleTemporaries(folder);
    assert.deepEqual((await readdir(folder)).sort(), kept.sort());
  });
});
