import assert from 'node:assert/strict';
import { type TestContext, describe, it } from 'node:test';
import { origin, signCheckpoint } from '#src/log/checkpoint.js';
import { cosignaturesOf } from '#src/log/cosignature.js';
import { judgeEvidence, parseEvidence } from '#src/log/evidence.js';
import { publicKeyOf } from '#src/crypto/signature.js';
import type { NodeService } from '#src/services/ports.js';
import { ballotOf, castAll, copyOf, forkPlace } from '../support/forked-place.ts';
import { Watcher } from '../support/observing.ts';
import { PollingPlace } from '../support/polling-place.ts';
import { Relay } from '../support/relay.ts';
import { AUTHORITY } from '../support/temp-election.ts';

const KEYS_ONLY = { secrets: false, voters: 40 } as const;

/** An election with some ballots, whose authority then goes on in two ways: so many more ballots in each. */
async function forked(t: TestContext, more: readonly [number, number]) {
  const place = await PollingPlace.start(t, KEYS_ONLY);
  await castAll(place, 0, 3);
  const common = place.log.head.size;
  const { one, other } = await forkPlace(t, place, KEYS_ONLY);
  await castAll(one, 3, 3 + more[0], 0);
  await castAll(other, 3, 3 + more[1], 1);
  return { one, other, common };
}

/** Asserts that it is evidence that convinces anybody, of two histories with these sizes. */
function assertConvicts(text: string, place: PollingPlace): { first: number; second: number } {
  const parsed = parseEvidence(text);
  assert.ok(parsed.ok, 'it can be read');
  const judged = judgeEvidence(parsed.value);
  assert.ok(judged.ok, 'it holds');
  assert.equal(judged.value.electionId, place.log.electionId);
  const { finding } = judged.value;
  assert.ok(finding.kind === 'fork');
  return { first: finding.first.size, second: finding.second.size };
}

describe('an observer of an authority that shows it another history than before', () => {
  for (const { name, more } of [
    { name: 'of the same size', more: [2, 2] },
    { name: 'of fewer entries', more: [5, 2] },
    { name: 'of more entries', more: [2, 5] },
    { name: 'of many more entries', more: [1, 30] },
  ] as const) {
    it(`${name}: names the fork, and can prove it`, async (t) => {
      const { one, other, common } = await forked(t, more);
      // The same address, behind which another history stands from the second connection of the first observer on.
      let history = one;
      const relay = await Relay.start(t, () => history.port);
      const observer = await Watcher.start(t, one, { dial: [relay.address(one.node.peerId)] });
      await observer.holds(common + more[0]);
      await observer.event('cosigned', ({ size }) => size === common + more[0]);

      history = other;
      relay.cut();
      const fork = await observer.event('fork');
      const sizes = assertConvicts(fork.evidence, one);
      assert.deepEqual(sizes, { first: fork.first, second: fork.second });
      assert.deepEqual([sizes.first, sizes.second], [common + Math.min(...more), common + Math.max(...more)]);
      // What it has stays as it was, and is not vouched for any more.
      assert.equal(observer.copy.head.size, common + more[0]);
      const cosigned = observer.count('cosigned');
      await observer.observer.compareNotes();
      assert.equal(observer.count('cosigned'), cosigned);
      assert.equal(observer.count('defect'), 0);
    });
  }

  it('names it though the authority answers no exchange, once it can compare', async (t) => {
    const place = await PollingPlace.start(t, KEYS_ONLY);
    await castAll(place, 0, 3);
    const silent = {
      ...KEYS_ONLY,
      misbehave: () => ({ exchange: () => new Promise<never>(() => undefined) }),
      deadlines: { stopMs: 50 },
    };
    const { one, other } = await forkPlace(t, place, silent);
    await castAll(one, 3, 5, 0);
    await castAll(other, 3, 7, 1);
    let history = one;
    const relay = await Relay.start(t, () => history.port);
    const observer = await Watcher.start(t, one, { dial: [relay.address(one.node.peerId), one.address] });
    await observer.holds(one.log.head.size);
    history = other;
    relay.cut();
    await observer.event('bad-source');
    // It goes on from the other address, and then has what the checkpoint that it kept conflicts with.
    await castAll(one, 5, 10, 0);
    const fork = await observer.event('fork');
    assert.equal(assertConvicts(fork.evidence, one).first, other.log.head.size);
  });
});

describe('an observer of an authority that was rolled back', () => {
  it('says so, and names the fork once the authority goes on differently', async (t) => {
    const place = await PollingPlace.start(t, KEYS_ONLY);
    await castAll(place, 0, 3);
    const old = await copyOf(t, place);
    const { voters, port } = place;
    const before = await PollingPlace.start(t, {
      ...KEYS_ONLY,
      folder: place.folder,
      existing: voters,
      port,
    });
    await castAll(before, 3, 8);
    const observer = await Watcher.start(t, before, { dial: [before.address] });
    await observer.holds(before.log.head.size);
    await before.stop();

    const after = await PollingPlace.start(t, { ...KEYS_ONLY, folder: old, existing: voters, port });
    const rolledBack = await observer.event('rolled-back');
    assert.deepEqual(rolledBack, {
      type: 'rolled-back',
      size: after.log.head.size,
      ownSize: before.log.head.size,
    });
    assert.equal(observer.count('fork'), 0);

    await after.station.cast(ballotOf(after, 20, 2));
    const fork = await observer.event('fork');
    assert.deepEqual(assertConvicts(fork.evidence, after), {
      first: after.log.head.size,
      second: before.log.head.size,
    });
    assert.equal(observer.copy.head.size, before.log.head.size);
    // One alarm, not one for each entry that it has again.
    assert.equal(observer.count('rolled-back'), 1);
  });

  it('says nothing of one that is merely restarted', async (t) => {
    const place = await PollingPlace.start(t, KEYS_ONLY);
    await castAll(place, 0, 3);
    const observer = await Watcher.start(t, place, { dial: [place.address] });
    await observer.holds(place.log.head.size);
    await place.stop();
    await observer.event('source-lost');
    const { voters, port, folder } = place;
    const again = await PollingPlace.start(t, { ...KEYS_ONLY, folder, existing: voters, port });
    await castAll(again, 3, 8);
    await observer.holds(again.log.head.size);
    assert.deepEqual(observer.observer.alarms, []);
  });
});

describe('an observer of an authority that signs out of order', () => {
  /** A signed checkpoint of the log's first `size` entries, or with another root. */
  async function checkpointOf(place: PollingPlace, size: number, root?: Uint8Array): Promise<string> {
    const prefix = await place.log.proofs.prefix(size, place.log.head.size);
    const head = { origin: origin(place.log.electionId), size, root: root ?? prefix.root };
    return signCheckpoint(head, AUTHORITY, publicKeyOf(AUTHORITY));
  }

  /** What is shown as the newest checkpoint, once a test says so. */
  interface Shown {
    text?: string;
  }

  /** A place whose log ends with what `latest` says, for those who follow it. */
  async function showing(t: TestContext, latest: (service: NodeService) => Promise<string | undefined>) {
    const place = await PollingPlace.start(t, {
      ...KEYS_ONLY,
      misbehave: (service) => ({ latestCheckpoint: () => latest(service) }),
      deadlines: { heartbeatMs: 20 },
    });
    await castAll(place, 0, 5);
    return place;
  }

  it('takes an older checkpoint of the same log for a rollback, whatever comes after it', async (t) => {
    const shown: Shown = {};
    const place = await showing(t, async (service) => shown.text ?? (await service.latestCheckpoint()));
    const observer = await Watcher.start(t, place, { dial: [place.address] });
    await observer.holds(place.log.head.size);
    shown.text = await checkpointOf(place, 4);
    assert.equal((await observer.event('rolled-back')).size, 4);
    delete shown.text;
    await castAll(place, 5, 8);
    await observer.holds(place.log.head.size);
    assert.equal(observer.count('fork'), 0);
  });

  it('proves a fork by an older checkpoint with another root', async (t) => {
    const shown: Shown = {};
    const place = await showing(t, async (service) => shown.text ?? (await service.latestCheckpoint()));
    const observer = await Watcher.start(t, place, { dial: [place.address] });
    await observer.holds(place.log.head.size);
    shown.text = await checkpointOf(place, 4, new Uint8Array(32).fill(7));
    const { evidence } = await observer.event('fork');
    assert.deepEqual(assertConvicts(evidence, place), { first: 4, second: place.log.head.size });
  });

  it('proves a fork by a checkpoint of nothing that has a root of something', async (t) => {
    const shown: Shown = {};
    const place = await showing(t, async (service) => shown.text ?? (await service.latestCheckpoint()));
    const observer = await Watcher.start(t, place, { dial: [place.address] });
    await observer.holds(place.log.head.size);
    shown.text = await checkpointOf(place, 0, new Uint8Array(32).fill(7));
    const { evidence } = await observer.event('fork');
    assert.equal(assertConvicts(evidence, place).first, 0);
    assert.equal(observer.count('defect'), 0);
  });

  it('leaves one alone that signed for more than it sends, and takes the log from another', async (t) => {
    const place = await PollingPlace.start(t, KEYS_ONLY);
    await castAll(place, 0, 3);
    const folder = await copyOf(t, place);
    const existing = place.voters;
    const beyond = signCheckpoint(
      { origin: origin(place.log.electionId), size: 1000, root: new Uint8Array(32) },
      AUTHORITY,
      publicKeyOf(AUTHORITY),
    );
    const misbehave = () => ({ latestCheckpoint: () => Promise.resolve(beyond) });
    const bold = await PollingPlace.start(t, { ...KEYS_ONLY, folder, existing, misbehave });
    const honest = await PollingPlace.start(t, { ...KEYS_ONLY, folder: place.folder, existing });
    const observer = await Watcher.start(t, honest, { dial: [bold.address, honest.address] });
    await observer.holds(honest.log.head.size);
    assert.match((await observer.event('bad-source')).reason, /covers entries that it did not send/);
  });

  for (const { name, forge } of [
    {
      name: 'is signed by somebody else',
      forge: (text: string) => {
        const [id = '', size, root = ''] = text.split('\n');
        const head = { origin: id, size: Number(size), root: new Uint8Array(Buffer.from(root, 'base64')) };
        return signCheckpoint(head, new Uint8Array(32).fill(3), publicKeyOf(new Uint8Array(32).fill(3)));
      },
    },
    {
      name: 'is of another election',
      forge: () =>
        signCheckpoint(
          { origin: 'psephos/another', size: 4, root: new Uint8Array(32) },
          AUTHORITY,
          publicKeyOf(AUTHORITY),
        ),
    },
    { name: 'is no checkpoint', forge: () => 'nothing of the kind\n' },
  ]) {
    it(`vouches for nothing that comes with a checkpoint that ${name}`, async (t) => {
      const place = await showing(t, async (service) => forge((await service.latestCheckpoint()) ?? ''));
      const observer = await Watcher.start(t, place, { dial: [place.address] });
      await observer.event('bad-source');
      assert.equal(observer.copy.head.size, 0);
      assert.equal(observer.count('cosigned'), 0);
      assert.deepEqual(observer.observer.alarms, []);
    });
  }
});

describe('an observer', () => {
  it('cosigns in its own name what it holds', async (t) => {
    const place = await PollingPlace.start(t, KEYS_ONLY);
    await castAll(place, 0, 3);
    const seed = new Uint8Array(32).fill(11);
    const observer = await Watcher.start(t, place, { dial: [place.address], seed });
    await observer.event('cosigned', ({ size }) => size === place.log.head.size);
    const { checkpoint } = await place.log.proofs.inclusion(0);
    const cosigned = observer.observer.desk.cosigned();
    assert.equal(cosigned.length, 1);
    const [cosignature, ...rest] = cosignaturesOf({ text: cosigned[0] ?? '' });
    assert.deepEqual(rest, []);
    assert.deepEqual(cosignature?.observer, publicKeyOf(seed));
    assert.ok(cosigned[0]?.startsWith(checkpoint), 'it is the very checkpoint, with a line more');
  });
});
