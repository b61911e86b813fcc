import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, describe, it } from 'node:test';
import { type DialledPeer, dialPeer, parseDialTarget } from '#src/net/index.js';
import { PeerRefusal } from '#src/services/ports.js';
import { cleanUp } from '../support/cleanup.ts';
import { ballotOf, castAll, copyOf } from '../support/forked-place.ts';
import { needs } from '../support/needs.ts';
import { addressOf, caughtUp, evidenceIn, startObserver } from '../support/observer-program.ts';
import { PollingPlace } from '../support/polling-place.ts';
import { run } from '../support/processes.ts';
import { Relay } from '../support/relay.ts';

const KEYS_ONLY = { secrets: false, voters: 20 } as const;
/** Space left on the full disk: for some batches, and not many. */
const LEFT_BYTES = 60_000;

/** A folder on a disk of its own; undefined where this machine can't make one. */
async function smallDisk(t: TestContext): Promise<string | undefined> {
  const disk = await mkdtemp(join(tmpdir(), 'psephos-disk-'));
  cleanUp(t, async () => {
    spawnSync('umount', ['-l', disk]);
    await rm(disk, { recursive: true, force: true });
  });
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', disk]).status === 0;
  return needs(t, 'a small tmpfs (root on Linux)', mounted) ? disk : undefined;
}

/** Leaves so many bytes of the disk; resolves to the file that takes the rest. */
async function fill(disk: string, left: number): Promise<string> {
  const filler = join(disk, 'filler');
  const { bsize, bavail } = await statfs(disk);
  await writeFile(filler, new Uint8Array(Math.max(0, bsize * bavail - left)));
  return filler;
}

async function clientOf(t: TestContext, address: string): Promise<DialledPeer> {
  const client = await dialPeer(parseDialTarget(address), { retries: 0 });
  cleanUp(t, () => client.close());
  return client;
}

/** Casts further ballots, one by one, until the observer says that its disk is full. */
async function castUntilSuspended(place: PollingPlace, observer: { readonly stdout: string }): Promise<void> {
  for (let number = 2; !observer.stdout.includes('"event":"store-suspended"'); number++) {
    assert.ok(number < 1000, 'the disk never became full');
    for (let voter = 0; voter < KEYS_ONLY.voters; voter++)
      await place.station.cast(ballotOf(place, voter, number % 3, number));
  }
}

describe('an observer whose disk is full', () => {
  it('says so, serves what it has or says that it is busy, and loses nothing once there is room', async (t) => {
    const disk = await smallDisk(t);
    if (disk === undefined) return;
    const place = await PollingPlace.start(t, KEYS_ONLY);
    await castAll(place, 0, KEYS_ONLY.voters);
    const folder = join(disk, 'observer');
    const observer = startObserver(t, folder, ['--dial', place.address]);
    await caughtUp(observer, place.log.head.size);
    const client = await clientOf(t, await addressOf(observer));

    const filler = await fill(disk, LEFT_BYTES);
    await castUntilSuspended(place, observer);
    assert.match(observer.stderr, /the disk could not be written/i);
    for (const ask of [
      () => client.info(),
      () => client.latestCheckpoint(),
      () => client.exchange({ checkpoint: null, observer: null, evidence: [] }),
    ]) {
      await ask().then(
        () => undefined,
        (error: unknown) => {
          assert.ok(error instanceof PeerRefusal && error.code === 'busy', String(error));
        },
      );
    }

    await rm(filler);
    await observer.waitFor(/"event":"store-resumed"/);
    await caughtUp(observer, place.log.head.size);
    assert.equal((await client.info()).turnout.ballots, place.log.turnout.ballots);
    const ended = await observer.kill('SIGINT');
    assert.equal(ended.code, 0, ended.stderr);
    assert.doesNotMatch(ended.stdout, /"event":"(defect|bad-source|alarm)"/);
    const audit = await run('verify-log', [folder]);
    assert.equal(audit.code, 0, audit.stdout + audit.stderr);
    assert.match(audit.stdout, new RegExp(`${place.log.turnout.ballots} ballots`));
  });

  it('ends in good order where it is stopped meanwhile, and goes on later', async (t) => {
    const disk = await smallDisk(t);
    if (disk === undefined) return;
    const place = await PollingPlace.start(t, KEYS_ONLY);
    await castAll(place, 0, KEYS_ONLY.voters);
    const folder = join(disk, 'observer');
    const observer = startObserver(t, folder, ['--dial', place.address]);
    await caughtUp(observer, place.log.head.size);
    const filler = await fill(disk, LEFT_BYTES);
    await castUntilSuspended(place, observer);
    const ended = await observer.kill('SIGINT');
    assert.equal(ended.code, 0, ended.stderr);
    await rm(filler);
    const again = startObserver(t, folder);
    await caughtUp(again, place.log.head.size);
    assert.equal((await again.kill('SIGINT')).code, 0);
  });

  it('raises the alarm over a fork all the same, and keeps the evidence once there is room', async (t) => {
    const disk = await smallDisk(t);
    if (disk === undefined) return;
    const place = await PollingPlace.start(t, KEYS_ONLY);
    await castAll(place, 0, 3);
    const copy = await copyOf(t, place);
    const existing = place.voters;
    const one = await PollingPlace.start(t, { ...KEYS_ONLY, folder: place.folder, existing });
    const other = await PollingPlace.start(t, { ...KEYS_ONLY, folder: copy, existing });
    await castAll(one, 3, 6, 0);
    await castAll(other, 3, 6, 1);
    let history = one;
    const line = await Relay.start(t, () => history.port);
    const folder = join(disk, 'observer');
    const observer = startObserver(t, folder, ['--dial', line.address(one.node.peerId)]);
    await caughtUp(observer, one.log.head.size);

    const filler = await fill(disk, 0);
    history = other;
    line.cut();
    await observer.waitFor(/"alarm":"fork"/);
    await observer.waitFor(/could not be kept/);
    assert.doesNotMatch(observer.stdout, /"event":"alarm-kept"/);
    await rm(filler);
    // It is tried again at the latest when it ends.
    const ended = await observer.kill('SIGINT');
    assert.equal(ended.code, 1, ended.stderr);
    const [kept] = await evidenceIn(folder);
    const verified = await run('verify-log', ['--evidence', kept?.path ?? '']);
    assert.equal(verified.code, 0, verified.stderr);
  });
});
