import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { toHex } from '#src/base/bytes.js';
import { parseCheckpoint } from '#src/log/checkpoint.js';
import { cosignaturesOf } from '#src/log/cosignature.js';
import { continuity } from '#src/log/evidence.js';
import { dialPeer, parseDialTarget } from '#src/net/index.js';
import type { Store } from '#src/services/ports.js';
import { cleanUp } from '../support/cleanup.ts';
import { ballotOf, castAll } from '../support/forked-place.ts';
import { Watcher } from '../support/observing.ts';
import { PollingPlace } from '../support/polling-place.ts';

const KEYS_ONLY = { secrets: false, voters: 120 } as const;
const NOTHING = { checkpoint: null, observer: null, evidence: [] } as const;

describe('an exchange', () => {
  it('proves what it says of the checkpoint that it names, however the log grows meanwhile', async (t) => {
    let voter = 2;
    // Each time that the newest checkpoint is read, a ballot comes in before anything is made of it.
    const meanwhile = { grow: (): Promise<unknown> => Promise.resolve() };
    const wrapStore = (store: Store): Store =>
      new Proxy(store, {
        get(target, property) {
          if (property === 'latestCheckpoint')
            return async () => {
              const newest = await target.latestCheckpoint();
              await meanwhile.grow();
              return newest;
            };
          const value: unknown = Reflect.get(target, property, target);
          return typeof value === 'function' ? (value.bind(target) as unknown) : value;
        },
      });
    const place = await PollingPlace.start(t, { ...KEYS_ONLY, wrapStore });
    await castAll(place, 0, voter);
    const given = await place.log.proofs.newestCheckpoint();
    const first = parseCheckpoint(given);
    assert.ok(first.ok);
    const client = await dialPeer(parseDialTarget(place.address), { retries: 0 });
    cleanUp(t, () => client.close());
    meanwhile.grow = () => place.station.cast(ballotOf(place, voter++));
    for (let time = 0; time < 10; time++) {
      const { checkpoint, prefix } = await client.exchange({ ...NOTHING, checkpoint: given });
      const second = parseCheckpoint(checkpoint);
      assert.ok(second.ok && prefix !== null);
      assert.equal(continuity(first.value, second.value, prefix), 'continues');
    }
    assert.ok(place.log.head.size >= first.value.size + 10, 'it did grow meanwhile');
  });

  it('makes observers known to each other, with what each cosigned', async (t) => {
    const place = await PollingPlace.start(t, KEYS_ONLY);
    await castAll(place, 0, 3);
    const observers = await Promise.all(
      Array.from({ length: 4 }, () => Watcher.start(t, place, { dial: [place.address] })),
    );
    for (const observer of observers) {
      await observer.until(() => observer.observer.desk.observers.length === 4, 'all four');
      await observer.until(
        () =>
          observer.observer.desk
            .cosigned()
            .some(
              (text) => text.includes(`\n${place.log.head.size}\n`) && cosignaturesOf({ text }).length === 4,
            ),
        'four cosignatures of the newest checkpoint',
      );
    }
    const client = await dialPeer(parseDialTarget(place.address));
    cleanUp(t, () => client.close());
    const { observers: known } = await client.exchange(NOTHING);
    assert.deepEqual(
      new Set(known.flatMap(({ addresses }) => addresses)),
      new Set(observers.map(({ address }) => address)),
    );
  });

  it('makes an observer known to an organiser who starts again in a quiet hour', async (t) => {
    let late = 0;
    const clock = { now: () => Date.now() + late };
    const place = await PollingPlace.start(t, { ...KEYS_ONLY, clock });
    await castAll(place, 0, 3);
    const observer = await Watcher.start(t, place, { dial: [place.address], clock });
    await observer.event('cosigned', ({ size }) => size === place.log.head.size);
    const cosigned = observer.count('cosigned');

    late = 60 * 60_000;
    // What the organiser's program knew of observers was in memory.
    await place.hangUp();
    await place.listen();
    await observer.until(
      () => observer.count('cosigned') > cosigned,
      'a fresh cosignature of the same checkpoint',
    );
    const client = await dialPeer(parseDialTarget(place.address));
    cleanUp(t, () => client.close());
    for (;;) {
      const { observers } = await client.exchange(NOTHING);
      if (observers.some(({ addresses }) => addresses[0] === observer.address)) break;
      await observer.observer.compareNotes();
    }
  });

  it('tells of nobody where an observer can not be dialled, and of no private address that it does not announce', async (t) => {
    const place = await PollingPlace.start(t, KEYS_ONLY);
    const hidden = await Watcher.start(t, place, { dial: [place.address], announces: () => [] });
    await hidden.event('cosigned');
    await hidden.observer.compareNotes();
    const client = await dialPeer(parseDialTarget(place.address));
    cleanUp(t, () => client.close());
    const { observers, cosigned } = await client.exchange(NOTHING);
    assert.deepEqual([observers.map(({ key }) => toHex(key)), cosigned], [[], []]);
  });
});
