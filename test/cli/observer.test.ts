import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, describe, it } from 'node:test';
import { openCosigned } from '#src/log/cosignature.js';
import { origin } from '#src/log/checkpoint.js';
import { dialPeer, parseDialTarget } from '#src/net/index.js';
import { cleanUp } from '../support/cleanup.ts';
import { PollingPlace } from '../support/polling-place.ts';
import { type Running, jsonLines, run, start } from '../support/processes.ts';

const HERE = ['--listen', '/ip6/::1/tcp/0'];

/** The observer's program on a folder of its own, ended with the test. */
function observe(t: TestContext, folder: string, args: readonly string[]): Running {
  const observer = start('observer', ['--data', folder, ...HERE, '--json', ...args]);
  cleanUp(t, () => observer.kill('SIGKILL').then(() => undefined));
  return observer;
}

async function caughtUp(observer: Running, size: number): Promise<void> {
  await observer.waitFor(new RegExp(`"event":"caught-up","size":${size}\\b`));
}

function ownAddress(observer: Running): string {
  const running = jsonLines(observer.stdout).find(({ event }) => event === 'running');
  const [address] = (running?.['addresses'] ?? []) as string[];
  assert.ok(address, observer.stderr);
  return address;
}

describe('the observer’s program', () => {
  it('counts what strangers report, and says nothing of it', async (t) => {
    const place = await PollingPlace.start(t, { voters: 3, secrets: false });
    const folder = join(place.folder, 'observer');
    const observer = observe(t, folder, ['--dial', place.invite]);
    await caughtUp(observer, place.log.head.size);
    const client = await dialPeer(parseDialTarget(ownAddress(observer)));
    cleanUp(t, () => client.close());
    for (let report = 0; report < 20; report++) await client.reportChecks({ round: 1, found: 0, missing: 1 });
    const status = jsonLines((await run('observer', ['status', '--data', folder, '--json'])).stdout).at(-1);
    const running = status?.['running'] as { checks: object };
    assert.deepEqual(running.checks, { found: 0, missing: 20 });
    assert.doesNotMatch(observer.stdout, /"missing"/);
  });

  it('follows an election from its invite, and serves what it has', async (t) => {
    const place = await PollingPlace.start(t, { voters: 3, secrets: false });
    const folder = join(place.folder, 'observer');
    const observer = observe(t, folder, ['--dial', place.invite]);
    await caughtUp(observer, place.log.head.size);
    await observer.waitFor(/"event":"cosigned"/);
    const client = await dialPeer(parseDialTarget(ownAddress(observer)));
    cleanUp(t, () => client.close());
    assert.equal(await client.latestCheckpoint(), await place.log.store.latestCheckpoint());
    const [cosigned] = (await client.exchange({ checkpoint: null, observer: null, evidence: [] })).cosigned;
    const opened = openCosigned(cosigned ?? '', {
      origin: origin(place.log.electionId),
      publicKey: place.log.genesis.authority,
    });
    assert.ok(opened.ok);
    assert.equal(opened.value.size, place.log.head.size);
    assert.deepEqual(
      opened.value.cosignatures.map((one) => Buffer.from(one.observer).toString('hex')),
      [Buffer.from(client.peerKey).toString('hex')],
    );
    const ended = await observer.kill('SIGINT');
    assert.equal(ended.code, 0, ended.stderr);
  });

  it('goes on without being told anything, under the same name', async (t) => {
    const place = await PollingPlace.start(t, { voters: 3, secrets: false });
    const folder = join(place.folder, 'observer');
    const first = observe(t, folder, ['--dial', place.address]);
    await caughtUp(first, place.log.head.size);
    const [, name] = /\/p2p\/(\w+)$/.exec(ownAddress(first)) ?? [];
    assert.equal((await first.kill('SIGTERM')).code, 0);
    const { size } = place.log.head;
    await place.organiser.close();
    const second = observe(t, folder, []);
    await second.waitFor(new RegExp(`"event":"following"[^\\n]*"from":${size}\\b`));
    await caughtUp(second, place.log.head.size);
    assert.ok(ownAddress(second).endsWith(`/p2p/${name}`));
    assert.equal((await run('verify-log', [folder])).code, 0, 'a copy can be audited while it is followed');
  });

  it('says which election it takes up, and warns where nothing says which it should be', async (t) => {
    const place = await PollingPlace.start(t, { voters: 1, secrets: false, title: 'Club' });
    const pinned = observe(t, join(place.folder, 'a'), ['--dial', place.address]);
    await caughtUp(pinned, place.log.head.size);
    assert.match(pinned.stderr, /Observing "Club", fingerprint/);
    assert.doesNotMatch(pinned.stderr, /WARNING: nothing says/);
    const unpinned = observe(t, join(place.folder, 'b'), ['--dial', place.bareAddress]);
    await caughtUp(unpinned, place.log.head.size);
    assert.match(unpinned.stderr, /WARNING: nothing says/);
  });

  it('refuses another election than the one that was named, or that it has begun', async (t) => {
    const [one, other] = [
      await PollingPlace.start(t, { voters: 1, secrets: false }),
      await PollingPlace.start(t, { voters: 2, secrets: false }),
    ];
    const wrong = await run('observer', [
      ...['--data', join(one.folder, 'x'), ...HERE, '--json'],
      ...['--dial', one.address, '--election', other.log.electionId],
    ]);
    assert.equal(wrong.code, 1);
    assert.match(wrong.stdout, /"code":"wrong-election"/);
    const mixed = await run('observer', ['--dial', one.invite, '--dial', other.invite, '--json']);
    assert.equal(mixed.code, 2);
    const folder = join(one.folder, 'observer');
    const begun = observe(t, folder, ['--dial', one.address]);
    await caughtUp(begun, one.log.head.size);
    await begun.kill('SIGINT');
    const turned = await run('observer', ['--data', folder, ...HERE, '--json', '--dial', other.invite]);
    assert.equal(turned.code, 1);
    assert.match(turned.stdout, /"code":"wrong-election"/);
  });

  it('says what is missing: whom to follow, a peer that answers, settings that can be read', async (t) => {
    const place = await PollingPlace.start(t, { voters: 1, secrets: false });
    const folder = join(place.folder, 'observer');
    const untold = await run('observer', ['--data', folder, '--json']);
    assert.deepEqual([untold.code, /"code":"(.*?)"/.exec(untold.stdout)?.[1]], [2, 'no-source']);
    const { address } = place;
    await place.hangUp();
    const deaf = await run('observer', ['--data', folder, '--dial', address, '--json']);
    assert.deepEqual([deaf.code, /"code":"(.*?)"/.exec(deaf.stdout)?.[1]], [3, 'unreachable']);
    await writeFile(join(folder, 'observer.json'), '{"psephos":"observer"}');
    const damaged = await run('observer', ['--data', folder, '--json']);
    assert.deepEqual([damaged.code, /"code":"(.*?)"/.exec(damaged.stdout)?.[1]], [2, 'bad-settings']);
    const nameless = await run('observer', [
      ...['--data', join(place.folder, 'other'), '--dial', address],
      ...['--observer', '/ip6/::1/tcp/4001', '--json'],
    ]);
    assert.deepEqual([nameless.code, /"code":"(.*?)"/.exec(nameless.stdout)?.[1]], [2, 'bad-address']);
  });

  it('shows one page of status, of a running observer and of a copy alone', async (t) => {
    const place = await PollingPlace.start(t, { voters: 3, secrets: false, title: 'Club' });
    const folder = join(place.folder, 'observer');
    const nothing = await run('observer', ['status', '--data', folder]);
    assert.equal(nothing.code, 2);
    const observer = observe(t, folder, ['--dial', place.address]);
    await caughtUp(observer, place.log.head.size);
    await observer.waitFor(/"event":"cosigned"/);
    const shown = await run('observer', ['status', '--data', folder]);
    assert.equal(shown.code, 0, shown.stderr);
    assert.match(shown.stdout, /Election +Club/);
    assert.match(shown.stdout, new RegExp(`Entries +${place.log.head.size}, the last of`));
    assert.match(shown.stdout, /Lag +none: all that \/ip6\/::1\/tcp\/\d+\/p2p\/\w+ had \d+ s ago/);
    assert.match(shown.stdout, /Turnout +0 of 3 voters in round 1 \(0 ballots\)/);
    assert.match(shown.stdout, new RegExp(`Cosigned +${place.log.head.size} entries`));
    assert.match(shown.stdout, /No alarm\./);
    assert.ok(shown.stdout.includes((await place.log.store.latestCheckpoint()) ?? '?'));
    const [status] = jsonLines((await run('observer', ['status', '--data', folder, '--json'])).stdout);
    assert.equal(status?.['entries'], place.log.head.size);
    await observer.kill('SIGINT');
    const still = await run('observer', ['status', '--data', folder]);
    assert.equal(still.code, 0, still.stderr);
    assert.match(still.stdout, /The observer is not running\./);
  });
});
