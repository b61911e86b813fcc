import assert from 'node:assert/strict';
import { type TestContext, describe, it } from 'node:test';
import { sha256 } from '#src/crypto/hash.js';
import { toHex } from '#src/base/bytes.js';
import { dialPeer, parseDialTarget } from '#src/net/index.js';
import type { Store } from '#src/services/ports.js';
import { LogBuilder, QUESTION, VOTERS } from '../support/build-log.ts';
import { cleanUp } from '../support/cleanup.ts';
import { ballotOf, castAll } from '../support/forked-place.ts';
import { Watcher } from '../support/observing.ts';
import { PollingPlace } from '../support/polling-place.ts';
import { Puppet, genesisOf } from '../support/puppet.ts';
import { Relay } from '../support/relay.ts';
import { testKey } from '../support/test-keys.ts';

const KEYS_ONLY = { secrets: false, voters: 60 } as const;

async function startPlace(t: TestContext): Promise<PollingPlace> {
  const place = await PollingPlace.start(t, KEYS_ONLY);
  await castAll(place, 0, 3);
  return place;
}

/** All entries of a log, hashed. */
async function contentOf(log: Pick<Store, 'entries'>): Promise<string> {
  const hashes: Uint8Array[] = [];
  for await (const chunk of log.entries(0)) for (const entry of chunk) hashes.push(sha256(entry));
  return toHex(sha256(...hashes));
}

async function assertSameLog(place: PollingPlace, observer: Watcher): Promise<void> {
  const { store } = observer.copy;
  assert.equal(await contentOf(store), await contentOf(place.log.store));
  assert.equal(await store.latestCheckpoint(), await place.log.store.latestCheckpoint());
  assert.deepEqual(observer.copy.turnout, place.log.turnout);
}

describe('an observer whose source goes away', () => {
  it('goes on without a gap when the organiser is on the network again', async (t) => {
    const place = await startPlace(t);
    const observer = await Watcher.start(t, place, { dial: [place.address] });
    await observer.holds(place.log.head.size);
    for (const from of [3, 6, 9]) {
      await place.hangUp();
      await castAll(place, from, from + 3);
      await place.listen();
      await observer.holds(place.log.head.size);
    }
    await assertSameLog(place, observer);
    assert.deepEqual([observer.count('bad-source'), observer.count('defect')], [0, 0]);
  });

  it('goes on without a gap when connections break at any moment', async (t) => {
    const place = await startPlace(t);
    const line = await Relay.start(t, () => place.port);
    const address = line.address(place.node.peerId);
    const observer = await Watcher.start(t, place, { dial: [address] });
    for (let voter = 3; voter < 40; voter++) {
      await place.station.cast(ballotOf(place, voter));
      if (voter % 3 === 0) line.cut();
    }
    await observer.holds(place.log.head.size);
    assert.ok(line.connections > 2, 'it did break');
    await assertSameLog(place, observer);
    assert.deepEqual(observer.observer.alarms, []);
    assert.equal(observer.count('bad-source'), 0);
  });

  it('takes another source, and the first again once that is back', async (t) => {
    const place = await startPlace(t);
    const line = await Relay.start(t, () => place.port);
    const near = await Watcher.start(t, place, { dial: [line.address(place.node.peerId)] });
    await near.holds(place.log.head.size);
    let ahead = 0;
    const clock = { now: () => Date.now() + ahead };
    const observer = await Watcher.start(t, place, { dial: [place.address, near.address], clock });
    await observer.event('following', ({ peer }) => peer === place.address);
    await observer.holds(place.log.head.size);

    // The organiser's own address is gone for this one, and not for the other.
    const { address, port } = place;
    await place.hangUp();
    await observer.event('following', ({ peer }) => peer === near.address);
    await place.listen();
    assert.equal(place.port, port);
    await castAll(place, 3, 6);
    await observer.holds(place.log.head.size);

    const before = observer.events.length;
    ahead = 10 * 60_000;
    await castAll(place, 6, 7);
    await observer.until(
      () =>
        observer.events.slice(before).some((event) => event.type === 'following' && event.peer === address),
      'the first source again',
    );
    await castAll(place, 7, 10);
    await observer.holds(place.log.head.size);
    await assertSameLog(place, observer);
  });

  it('follows an observer that it heard of, and never itself', async (t) => {
    const place = await startPlace(t);
    const near = await Watcher.start(t, place, { dial: [place.address] });
    await near.event('cosigned');
    const line = await Relay.start(t, (connection) => (connection < 3 ? place.port : 1));
    const observer = await Watcher.start(t, place, { dial: [line.address(place.node.peerId)] });
    await observer.event('observer-known');
    await observer.event('cosigned');
    // From now on it reaches the organiser no more.
    for (let connection = line.connections; connection < 3; connection++) {
      const client = await dialPeer(parseDialTarget(line.address(place.node.peerId)), { retries: 0 });
      cleanUp(t, () => client.close());
    }
    line.cut();
    await observer.event('following', ({ peer }) => peer === near.address);
    await castAll(place, 3, 8);
    await observer.holds(place.log.head.size);
    await assertSameLog(place, observer);
    const followed = observer.events.flatMap((event) => (event.type === 'following' ? [event.peer] : []));
    assert.ok(!followed.includes(observer.address), followed.join('\n'));
  });
});

describe('observers of observers', () => {
  it('have the same log at the far end, live', async (t) => {
    const place = await startPlace(t);
    const chain = [await Watcher.start(t, place, { dial: [place.address] })];
    for (let link = 1; link < 4; link++)
      chain.push(await Watcher.start(t, place, { dial: [(chain[link - 1] as Watcher).address] }));
    const far = chain[3] as Watcher;
    await far.holds(place.log.head.size);
    for (let voter = 3; voter < 20; voter++) await place.station.cast(ballotOf(place, voter));
    await place.organiser.close();
    await far.holds(place.log.head.size);
    for (const observer of chain) await assertSameLog(place, observer);
    assert.equal(far.copy.state.phase, place.log.state.phase);
  });

  it('keep fewer checkpoints the later they come, and never a long stretch without one', async (t) => {
    const log = new LogBuilder();
    log.genesis();
    log.roll(VOTERS);
    log.openRound(1, [QUESTION]);
    for (const voter of VOTERS)
      for (let number = 1; number <= 1000; number++) {
        log.cast(voter, number, [[number % 3]]);
        if (number % 7 === 0) log.checkpoint();
      }
    log.checkpoint();
    const authority = await Puppet.start(t, { seed: testKey(1).seed });
    authority.serve(log);
    let source = authority.address;
    let most = log.checkpoints.length;
    for (let link = 0; link < 3; link++) {
      const observer = await Watcher.of(t, genesisOf(log), { dial: [source] });
      await observer.holds(log.size);
      const sizes: number[] = [];
      for await (const text of observer.copy.store.checkpoints(0)) sizes.push(Number(text.split('\n')[1]));
      assert.equal(sizes.at(-1), log.size);
      assert.ok(sizes.length > 1 && sizes.length <= most, `${sizes.length} checkpoints, at most ${most}`);
      const longest = Math.max(...sizes.map((size, at) => size - (sizes[at - 1] ?? 0)));
      assert.ok(longest < 4096, `${longest} entries without a checkpoint`);
      most = sizes.length;
      source = observer.address;
    }
  });
});

describe('fifty observers at once', () => {
  it('all catch up, while the organiser goes on taking ballots', async (t) => {
    const place = await startPlace(t);
    // None can be dialled: in one process, fifty that all compare notes with each other would be 2,450 connections.
    const starting = Array.from({ length: 50 }, () =>
      Watcher.start(t, place, { dial: [place.address], announces: () => [], haste: 1 }),
    );
    const client = await dialPeer(parseDialTarget(place.address));
    cleanUp(t, () => client.close());
    for (let voter = 3; voter < 23; voter++) {
      await client.cast(ballotOf(place, voter));
      await client.info();
    }
    const observers = await Promise.all(starting);
    await Promise.all(observers.map((observer) => observer.holds(place.log.head.size)));
    for (const observer of observers) await assertSameLog(place, observer);
    assert.deepEqual(place.defects, []);
    for (const observer of observers) assert.deepEqual([observer.count('defect'), observer.defects], [0, []]);
  });
});
