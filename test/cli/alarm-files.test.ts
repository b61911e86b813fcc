import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AlarmFiles, keptAlarms, keptForks } from '#src/cli/observer/alarms.js';
import { formatEvidence } from '#src/log/evidence.js';
import { tempFolder } from '../support/temp-election.ts';
import { fork } from '../support/two-histories.ts';

const out = { note: () => undefined, emit: () => undefined };

describe('what is kept of alarms', () => {
  it('is bounded, and has room for proof of a fork however much else there is', async (t) => {
    const folder = await tempFolder(t);
    const files = new AlarmFiles(folder, out);
    for (let size = 0; size < 30; size++) {
      const checkpoint = `${size} entries`;
      files.note({ type: 'unknown-history', size, ownSize: 0, checkpoint });
    }
    const evidence = formatEvidence(fork);
    files.note({ type: 'fork', first: 1, second: 2, evidence });
    await files.settled();
    assert.deepEqual(await keptForks(folder), [evidence]);
    assert.equal((await keptAlarms(folder)).length, 21);
  });
});
