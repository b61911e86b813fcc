import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CID } from 'multiformats/cid';
import { encodeEnrolment, signEnrolment } from '#src/election/enrolment.js';
import { decodeEntry } from '#src/log/entry-codec.js';
import { encodeSignedBallot, readBallot, trackerOf } from '#src/election/ballot.js';
import { LogCopy } from '#src/services/log-copy.js';
import { leafHash } from '#src/log/merkle.js';
import { parseCheckpoint } from '#src/log/checkpoint.js';
import { openLevelStore } from '#src/store/level-store.js';
import { refused } from '#src/base/errors.js';
import { dialPeer, parseDialTarget } from '#src/net/index.js';
import type { Store, StoreBatch } from '#src/services/ports.js';
import { sampleLog } from '../support/build-log.ts';
import { cleanUp } from '../support/cleanup.ts';
import { ballotOf, castAll } from '../support/forked-place.ts';
import { Watcher } from '../support/observing.ts';
import { PollingPlace } from '../support/polling-place.ts';
import { QUESTION, tempFolder, testSeed } from '../support/temp-election.ts';

const KEYS_ONLY = { secrets: false, voters: 12 } as const;

/** All that peers and programs look up in a store. */
async function indexesOf(store: Store): Promise<unknown> {
  const voters = [];
  for await (const voter of store.voters())
    voters.push({
      voter,
      byName: await store.voterByName(voter.name),
      enrolment: await store.enrolmentSeq(voter.key),
    });
  const enrolled = [];
  for await (const { name } of store.enrolled()) enrolled.push(name);
  const ballots = [];
  for await (const chunk of store.entries(0))
    for (const bytes of chunk) {
      const entry = decodeEntry(bytes);
      if (!entry.ok || entry.value.kind !== 'ballot') continue;
      const ballot = readBallot(entry.value.ballot);
      assert.ok(ballot.ok);
      const tracker = trackerOf(ballot.value, encodeSignedBallot(entry.value.ballot));
      ballots.push([tracker, await store.ballotSeq(tracker)]);
    }
  return { voters, enrolled, ballots };
}

/** Enrolments, two rounds, ballots that replace others. */
async function busyPlace(steps: PollingPlace): Promise<void> {
  const electionId = CID.parse(steps.log.electionId);
  for (const voter of [1, 4])
    await steps.desk.enrol(
      encodeEnrolment(signEnrolment(electionId, testSeed(voter), testSeed(500 + voter))),
    );
  await steps.organiser.open({ untested: true });
  await castAll(steps, 5, 10);
  await steps.station.cast(ballotOf(steps, 6, 2, 2));
  await steps.organiser.close();
  await steps.organiser.prepare({ title: 'Round 2', questions: [QUESTION], opens: null, closes: null });
  await steps.organiser.open({ untested: true });
  await castAll(steps, 6, 8, 1);
}

describe('the copy of an observer', () => {
  it('has the same indexes as the log, whether it came at once or bit by bit, and when it is taken up again', async (t) => {
    const place = await PollingPlace.start(t, { ...KEYS_ONLY, open: false });
    const live = await Watcher.start(t, place, { dial: [place.address] });
    await live.holds(place.log.head.size);
    await busyPlace(place);
    await live.holds(place.log.head.size);
    const late = await Watcher.start(t, place, { dial: [place.address] });
    await late.holds(place.log.head.size);
    const expected = await indexesOf(place.log.store);
    for (const observer of [live, late]) {
      assert.deepEqual(await indexesOf(observer.copy.store), expected);
      assert.deepEqual(observer.copy.turnout, place.log.turnout);
      await observer.stop();
      const again = await Watcher.start(t, place, { dial: [place.address], folder: observer.folder });
      assert.deepEqual(await indexesOf(again.copy.store), expected);
      assert.deepEqual(again.copy.turnout, place.log.turnout);
    }
  });

  it('answers voters and auditors as the organiser does', async (t) => {
    const place = await PollingPlace.start(t, KEYS_ONLY);
    await castAll(place, 0, 5);
    const observer = await Watcher.start(t, place, { dial: [place.address] });
    await observer.holds(place.log.head.size);
    const [asked, expected] = await Promise.all(
      [observer.address, place.address].map(async (address) => {
        const client = await dialPeer(parseDialTarget(address), { retries: 0 });
        cleanUp(t, () => client.close());
        const { time, ...info } = await client.info();
        assert.ok(time > 0);
        return {
          info,
          byName: await client.standing({ name: 'v3' }),
          nobody: await client.standing({ name: 'nobody' }),
          inclusion: await client.inclusion({ index: 3 }),
          consistency: await client.consistency(2),
          latest: await client.latestCheckpoint(),
        };
      }),
    );
    assert.deepEqual(asked, expected);
  });
});

describe('an observer whose disk fails', () => {
  it('does not go on from less than was on disk before: it would cosign a shorter log', async (t) => {
    const log = sampleLog();
    const folders = [await tempFolder(t), await tempFolder(t)];
    const copy = await LogCopy.open({
      openStore: () => openLevelStore(folders.shift() ?? '', { create: true, program: 'a test' }),
      clock: { now: () => Date.now() },
      onProgress: () => undefined,
    });
    cleanUp(t, () => copy.close());
    const checkpoint = parseCheckpoint(log.checkpoints.at(-1) ?? '');
    assert.ok(checkpoint.ok);
    await copy.append(
      log.entries.map((bytes) => ({ bytes, leaf: leafHash(bytes) })),
      checkpoint.value,
    );
    await assert.rejects(copy.resume(), { code: 'store-damaged' });
    assert.equal(copy.head.size, log.size);
  });

  for (const { name, fails } of [
    { name: 'before anything is written', fails: 'before' },
    { name: 'after all of it was written', fails: 'after' },
  ] as const) {
    for (const nth of [1, 2, 5]) {
      it(`at write ${nth}, ${name}: goes on from what is on disk`, async (t) => {
        const place = await PollingPlace.start(t, KEYS_ONLY);
        let commits = 0;
        const wrapStore = (store: Store): Store =>
          failing(store, async (batch) => {
            const broken = ++commits === nth;
            if (!broken || fails === 'after') await store.commit(batch);
            if (broken) throw refused('store-failed', 'The disk is full.');
          });
        const observer = await Watcher.start(t, place, { dial: [place.address], wrapStore });
        for (let voter = 0; voter < 10; voter++) {
          await place.station.cast(ballotOf(place, voter));
          if (voter < 6 && observer.count('store-suspended') === 0)
            await observer.until(
              () => observer.copy.head.size === place.log.head.size || observer.copy.suspended,
              'the ballot, or a failure',
            );
        }
        await observer.event('store-resumed');
        await observer.holds(place.log.head.size);
        assert.deepEqual(await indexesOf(observer.copy.store), await indexesOf(place.log.store));
        assert.deepEqual(
          [observer.count('store-suspended'), observer.count('defect'), observer.count('bad-source')],
          [1, 0, 0],
        );
        // What it cosigned was on disk, and only grew.
        const cosigned = observer.events.flatMap((event) => (event.type === 'cosigned' ? [event.size] : []));
        assert.deepEqual(
          cosigned,
          [...cosigned].sort((a, b) => a - b),
        );
      });
    }
  }
});

/** A store whose commits are done by `commit`. */
function failing(store: Store, commit: (batch: StoreBatch) => Promise<void>): Store {
  return new Proxy(store, {
    get(target, property) {
      if (property === 'commit') return commit;
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
