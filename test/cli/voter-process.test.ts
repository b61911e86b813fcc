import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { join } from 'node:path';
import { PollingPlace } from '../support/polling-place.ts';
import { jsonLines, run, start } from '../support/processes.ts';
import { args } from '../support/run-voter.ts';

describe('node dist/voter.js', () => {
  it('votes and ends by itself, with JSON alone on standard output', async (t) => {
    const place = await PollingPlace.start(t, { voters: 1 });
    const ran = await run('voter', await args(place, 0, ['a'], 'r'));
    assert.equal(ran.code, 0, ran.stderr);
    assert.deepEqual(
      jsonLines(ran.stdout).map(({ event }) => event),
      ['connected', 'election', 'promised', 'cast', 'confirmed'],
    );
    const receipt = join(place.folder, 'r');
    const verified = await run('voter', ['verify', '--receipt', receipt, '--dial', place.invite]);
    assert.equal(verified.code, 0, verified.stderr);
    assert.match(verified.stdout, /^VALID/);
  });

  it('ends with 1, 2 or 3 as the failure is', async (t) => {
    const place = await PollingPlace.start(t, { voters: 1, open: false });
    const argv = await args(place, 0, ['a'], 'r');
    assert.equal((await run('voter', argv)).code, 1);
    assert.equal((await run('voter', ['--frobnicate'])).code, 2);
    await place.hangUp();
    assert.equal((await run('voter', argv)).code, 3);
  });

  it('ends cleanly on Ctrl-C, and says that nothing was cast', async (t) => {
    const place = await PollingPlace.start(t, { voters: 1 });
    const argv = (await args(place, 0, ['a'], 'r')).with(-3, '60');
    assert.ok(argv.includes('60'));
    await place.hangUp();
    const voter = start('voter', argv);
    await voter.waitFor(/Trying again in/);
    const ended = await voter.kill('SIGINT');
    assert.deepEqual([ended.code, ended.signal], [1, null]);
    assert.match(ended.stderr, /Nothing was cast/);
    assert.equal(place.log.turnout.ballots, 0);
  });
});
