import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, describe, it } from 'node:test';
import { castAll } from '../support/forked-place.ts';
import { caughtUp, startObserver } from '../support/observer-program.ts';
import { PollingPlace } from '../support/polling-place.ts';
import { type Running, run } from '../support/processes.ts';
import { Puppet } from '../support/puppet.ts';
import { Relay } from '../support/relay.ts';

const KEYS_ONLY = { secrets: false, voters: 5 } as const;

async function startPlace(t: TestContext): Promise<PollingPlace> {
  const place = await PollingPlace.start(t, KEYS_ONLY);
  await castAll(place, 0, 3);
  return place;
}

async function assertEndsWell(observer: Running, signal: NodeJS.Signals): Promise<void> {
  const { code, stdout, stderr } = await observer.kill(signal);
  assert.equal(code, 0, stderr);
  assert.doesNotMatch(stdout, /"event":"defect"|"error"/);
  assert.match(stderr, /Everything is on disk/);
}

describe('an observer that is told to end', () => {
  it('does so while it waits for a source that does not answer', async (t) => {
    const place = await startPlace(t);
    const line = await Relay.start(t, () => place.port);
    const folder = join(place.folder, 'observer');
    const address = line.address(place.node.peerId);
    const observer = startObserver(t, folder, ['--dial', address]);
    await caughtUp(observer, place.log.head.size);
    line.silence();
    const before = line.connections;
    line.cut();
    await line.moreThan(before);
    await assertEndsWell(observer, 'SIGINT');
    // And so does one that begins where nobody answers.
    const again = startObserver(t, folder);
    await again.waitFor(/"event":"running"/);
    await assertEndsWell(again, 'SIGTERM');
    const status = await run('observer', ['status', '--data', folder]);
    assert.match(status.stdout, new RegExp(`Entries +${place.log.head.size}`));
  });

  it('does so while another observer keeps it waiting', async (t) => {
    const place = await startPlace(t);
    const stalling = await Puppet.start(t);
    const asked = new Promise<void>((resolve) => {
      stalling.onExchange = () => {
        resolve();
        return new Promise(() => undefined);
      };
    });
    const observer = startObserver(t, join(place.folder, 'observer'), [
      ...['--dial', place.address, '--observer', stalling.address],
    ]);
    await asked;
    await caughtUp(observer, place.log.head.size);
    await assertEndsWell(observer, 'SIGINT');
  });

  it('does so while it catches up', async (t) => {
    const place = await startPlace(t);
    const observer = startObserver(t, join(place.folder, 'observer'), ['--dial', place.address]);
    await observer.waitFor(/"event":"running"/);
    await assertEndsWell(observer, 'SIGINT');
  });
});
