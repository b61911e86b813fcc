import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Stream } from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import { multiaddr } from '@multiformats/multiaddr';
import { PsephosError } from '#src/base/errors.js';
import { channelOn } from '#src/net/circuit/channel.js';
import { HOP, STOP, decodeStop, encodeHop, encodeStop } from '#src/net/circuit/messages.js';
import { peerIdOf } from '#src/net/index.js';
import { ADMISSIONS_PER_SOURCE, HOP_STREAMS_PER_CONNECTION } from '#src/net/limits.js';
import { testKey } from '../../support/test-keys.js';
import { FakeService, RawPeer, entryOf, framed, sampleInfo, testClient, until } from '../support.js';
import { nodeBehind, readHop, say, testRelay, untilTold } from './support.js';

const { seed, publicKey } = testKey(7);

/** What a stream to a relay gets for an answer to these bytes. */
async function answerTo(stream: Stream, message: Uint8Array): Promise<unknown> {
  const channel = channelOn(stream);
  await say(channel, message);
  const answer = await readHop(channel);
  return answer.type === 'status' ? answer.status : answer.type;
}

describe('a node behind a relay', () => {
  it('is reached through it, by whoever has only that address, and proves its key', async (t) => {
    const { relay, target, reservations } = await testRelay(t);
    const behind = await nodeBehind(t, new FakeService(), [target], { seed });
    assert.deepEqual(reservations, [`+${behind.node.peerId}`]);
    assert.equal(behind.through, `${relay.addresses()[0]}/p2p-circuit/p2p/${peerIdOf(publicKey)}`);
    const client = await testClient(t, behind.through);
    assert.deepEqual(client.peerKey, publicKey);
    assert.deepEqual(client.way, { path: 'relayed', address: behind.through.replace(/\/p2p\/[^/]+$/, '') });
    assert.equal(client.name, behind.through);
    assert.deepEqual(await client.info(), sampleInfo());
    assert.equal(await client.cast(new Uint8Array(200_000)), 'receipt of 200000 bytes');
    const { bytes, relayed, relayedEver } = relay.figures();
    assert.ok(bytes > 200_000 && bytes < 220_000, `${bytes} bytes were passed on`);
    assert.deepEqual([relayed, relayedEver], [1, 1]);
    await client.close();
    await until('nothing goes through the relay', () => relay.figures().relayed === 0);
    await until('only the relay is connected', () => behind.node.connectionCount() === 1);
    assert.deepEqual(behind.defects, []);
  });

  it('follows a log for others through it, both ways as long as it grows', async (t) => {
    const service = new FakeService();
    const { target } = await testRelay(t);
    const { through } = await nodeBehind(t, service, [target]);
    const client = await testClient(t, through);
    service.grow(entryOf(0));
    const updates = client.follow(0)[Symbol.asyncIterator]();
    assert.deepEqual((await updates.next()).value, { entries: [entryOf(0)] });
    service.grow(entryOf(1));
    for (;;) {
      const { value } = (await updates.next()) as { value: object };
      if ('entries' in value && JSON.stringify(value.entries) === JSON.stringify([entryOf(1)])) break;
    }
    await updates.return?.();
  });

  it('serves many at once through one relay, and direct ones beside', async (t) => {
    const { relay, target } = await testRelay(t);
    const { node, through } = await nodeBehind(t, new FakeService(), [target]);
    const direct = node.addresses()[0] ?? '';
    const receipts = await Promise.all(
      Array.from({ length: 40 }, async (_, i) => {
        const client = await testClient(t, i % 4 === 0 ? direct : through);
        return client.cast(new Uint8Array(i));
      }),
    );
    assert.deepEqual(
      receipts,
      Array.from({ length: 40 }, (_, i) => `receipt of ${i} bytes`),
    );
    assert.equal(relay.figures().relayedEver, 30);
  });

  it('takes connections from no other relay, and from nobody who says to be one', async (t) => {
    const { target } = await testRelay(t);
    const { node } = await nodeBehind(t, new FakeService(), [target]);
    const stranger = await RawPeer.dial(t, node.addresses()[0] ?? '');
    // Cut off before it could offer anything.
    const offer = await stranger.open(STOP);
    assert.notEqual(await offer.ended, undefined);
    assert.equal(offer.received.length, 0);
    assert.equal(node.connectionCount(), 2, 'the stranger and the relay, and nobody behind the stranger');
  });

  it('through two relays stays reachable when one is gone', async (t) => {
    const one = await testRelay(t, { seed: testKey(81).seed });
    const two = await testRelay(t, { seed: testKey(82).seed });
    const { node, events } = await nodeBehind(t, new FakeService(), [one.target, two.target], { seed });
    await untilTold(events, 'relay-held', 2);
    await one.relay.stop();
    await untilTold(events, 'relay-lost');
    const [first, second] = node.addresses().filter((address) => address.includes('/p2p-circuit'));
    await assert.rejects(testClient(t, first ?? ''), { code: 'unreachable' });
    assert.deepEqual(await (await testClient(t, second ?? '')).info(), sampleInfo());
  });
});

describe('a relay', () => {
  it('admits whom it was told to, and tells the others so', async (t) => {
    const admitted = peerIdOf(publicKey);
    const { target } = await testRelay(t, { admits: ({ peerId }) => Promise.resolve(peerId === admitted) });
    const { through } = await nodeBehind(t, new FakeService(), [target], { seed });
    assert.deepEqual(await (await testClient(t, through)).info(), sampleInfo());
    const { events, through: none } = await nodeBehind(t, new FakeService(), [target]);
    await untilTold(events, 'relay-lost');
    assert.deepEqual(events, [
      {
        type: 'relay-lost',
        relay: target.peerId,
        reason:
          'the relay does not serve this peer: whoever runs it must name it with --serve, or start the relay with --open',
        before: false,
      },
    ]);
    assert.equal(none, '', 'a relay that was never held is of no use to voters');
  });

  it('can ask a peer for the election that it serves, over the connection that the peer made', async (t) => {
    const shown: (Uint8Array | undefined)[] = [];
    const { target } = await testRelay(t, {
      admits: async (applicant) => {
        shown.push(await applicant.genesis());
        return true;
      },
    });
    const { events } = await nodeBehind(t, new FakeService(), [target]);
    await untilTold(events, 'relay-held');
    const service = new FakeService();
    service.info = () => Promise.reject(new Error('broken'));
    const broken = await nodeBehind(t, service, [target]);
    await untilTold(broken.events, 'relay-held');
    assert.deepEqual(shown, [sampleInfo().genesis.entry, undefined]);
  });

  it('forgets a peer that is gone, and then says that it knows no way', async (t) => {
    const { relay, target, reservations } = await testRelay(t);
    const { node, through } = await nodeBehind(t, new FakeService(), [target], { seed });
    await node.stop();
    await until('it is forgotten', () => relay.figures().reservations === 0);
    assert.deepEqual(reservations, [`+${node.peerId}`, `-${node.peerId}`]);
    await assert.rejects(testClient(t, through), {
      kind: 'unreachable',
      code: 'unreachable',
      message:
        `Could not reach peer ${node.peerId} (${through.replace(/\/p2p\/[^/]+$/, '')}: ` +
        'the relay can not reach the peer now: it is not connected to it, or the address is an old one).',
    });
    assert.deepEqual(relay.figures().refused, { 'no-reservation': 1 });
  });

  it('forgets a reservation that was not renewed in time', async (t) => {
    const { relay, address } = await testRelay(t, { limits: { reservationMs: 100 } });
    const peer = await RawPeer.dial(t, address);
    assert.equal(await answerTo(await peer.connection.newStream(HOP), encodeHop({ type: 'reserve' })), 'ok');
    const other = await RawPeer.dial(t, address);
    const connect = encodeHop({ type: 'connect', peer: peer.host.peerId });
    await until('it has expired', () => relay.figures().reservations === 0);
    assert.equal(await answerTo(await other.connection.newStream(HOP), connect), 'no-reservation');
  });

  it('lets go of a peer’s first connection when the peer comes by another one, and of who waits on it', async (t) => {
    const { relay, address } = await testRelay(t);
    const peer = await RawPeer.dial(t, address);
    const reserve = encodeHop({ type: 'reserve' });
    assert.equal(await answerTo(await peer.connection.newStream(HOP), reserve), 'ok');
    let offered = (): void => undefined;
    const isOffered = new Promise<void>((resolve) => (offered = resolve));
    // As on a line that is dead: what the relay offers is never answered.
    await peer.host.handle(STOP, offered);
    const other = await RawPeer.dial(t, address);
    const connect = encodeHop({ type: 'connect', peer: peer.host.peerId });
    const answer = answerTo(await other.connection.newStream(HOP), connect);
    await isOffered;
    const second = await peer.host.dial(multiaddr(address), { force: true });
    assert.notEqual(second, peer.connection);
    assert.equal(await answerTo(await second.newStream(HOP), reserve), 'ok');
    assert.equal(await answer, 'connection-failed');
    await until('the first one is closed', () => peer.connection.status !== 'open');
    assert.equal(relay.figures().reservations, 1);
    assert.equal(second.status, 'open');
  });

  it('that has given all reservations says so, and gives one again when one is free', async (t) => {
    const { target } = await testRelay(t, { limits: { reservations: 1 } });
    const first = await nodeBehind(t, new FakeService(), [target], { seed });
    const second = await nodeBehind(t, new FakeService(), [target]);
    await untilTold(second.events, 'relay-lost');
    assert.match(JSON.stringify(second.events), /the relay is full: it has given all its reservations/);
    await first.node.stop();
    await untilTold(second.events, 'relay-held');
  });

  it('that finds out who many are at the same time asks no more of them at once than it can receive, and them later', async (t) => {
    let asked = 0;
    let answer: () => void = () => undefined;
    const answered = new Promise<void>((resolve) => (answer = resolve));
    const { relay, target } = await testRelay(t, {
      admits: async () => {
        asked += 1;
        await answered;
        return true;
      },
    });
    const peers = [];
    for (let i = 0; i < ADMISSIONS_PER_SOURCE; i += 1) peers.push(nodeBehind(t, new FakeService(), [target]));
    await until('all are being asked', () => asked === ADMISSIONS_PER_SOURCE);
    const late = await nodeBehind(t, new FakeService(), [target]);
    await untilTold(late.events, 'relay-lost');
    assert.equal(asked, ADMISSIONS_PER_SOURCE);
    assert.ok((relay.figures().refused['resource-limit-exceeded'] ?? 0) > 0);
    answer();
    await untilTold(late.events, 'relay-held');
    for (const { events } of await Promise.all(peers)) await untilTold(events, 'relay-held');
  });

  for (const limit of ['relayed', 'relayedPerPeer', 'relayedPerHost'] as const) {
    it(`with as many connections as it may have says so, and takes the next when one has gone (${limit})`, async (t) => {
      const { relay, target } = await testRelay(t, { limits: { [limit]: 2 } });
      const { through } = await nodeBehind(t, new FakeService(), [target]);
      const first = await testClient(t, through);
      await testClient(t, through);
      await assert.rejects(testClient(t, through), (error) => {
        assert.ok(error instanceof PsephosError);
        assert.equal(error.kind, 'unreachable');
        assert.match(error.message, /the relay is full: too many connections go through it now/);
        return true;
      });
      await first.close();
      await until('a place is free', () => relay.figures().relayed === 1);
      assert.deepEqual(await (await testClient(t, through)).info(), sampleInfo());
    });
  }

  it('counts connections that are being made, so that a burst stays within the limit', async (t) => {
    const { relay, target } = await testRelay(t, { limits: { relayed: 5 } });
    const { through } = await nodeBehind(t, new FakeService(), [target]);
    const dialled = await Promise.allSettled(Array.from({ length: 20 }, () => testClient(t, through)));
    assert.equal(dialled.filter(({ status }) => status === 'fulfilled').length, 5);
    assert.equal(relay.figures().relayed, 5);
  });

  it('cuts a connection that has carried its bytes; the client connects again and goes on', async (t) => {
    const service = new FakeService();
    service.entryList = Array.from({ length: 2000 }, (_, i) => entryOf(i, 1000));
    const { relay, target } = await testRelay(t, { limits: { relayedBytes: 600_000 } });
    const { through } = await nodeBehind(t, service, [target]);
    const client = await testClient(t, through);
    const entries: Uint8Array[] = [];
    for await (const chunk of client.entries(0)) entries.push(...chunk);
    assert.deepEqual(entries, service.entryList);
    assert.ok(relay.figures().relayedEver > 3, 'it was cut on the way');
    assert.equal(await client.cast(new Uint8Array(1)), 'receipt of 1 bytes');
  });

  it('lets nothing through that is larger than it may be, and the client is told', async (t) => {
    const { target } = await testRelay(t, { limits: { relayedBytes: 100_000 } });
    const { through } = await nodeBehind(t, new FakeService(), [target]);
    const client = await testClient(t, through, { retries: 1 });
    await assert.rejects(client.cast(new Uint8Array(200_000)), {
      kind: 'unreachable',
      code: 'connection-lost',
    });
    assert.equal(await client.cast(new Uint8Array(1)), 'receipt of 1 bytes');
  });

  it('cuts a connection that has lasted long enough; the next request makes a new one', async (t) => {
    const { relay, target } = await testRelay(t, { limits: { relayedMs: 500 } });
    const { through } = await nodeBehind(t, new FakeService(), [target]);
    const client = await testClient(t, through);
    await until('it is cut', () => relay.figures().relayedEver > 0 && relay.figures().relayed === 0);
    assert.deepEqual(await client.info(), sampleInfo());
    assert.ok(relay.figures().relayedEver >= 2);
  });

  it('cuts off whoever does not read, and holds no more for them than a few windows', async (t) => {
    const { relay, address } = await testRelay(t, { limits: { stalledMs: 300, relayedBytes: 30_000_000 } });
    const talker = await RawPeer.dial(t, address);
    let talking: Stream | undefined;
    await talker.host.handle(STOP, async (stream) => {
      const channel = channelOn(stream);
      await channel.read(decodeStop, { signal: AbortSignal.timeout(5000) });
      await say(channel, encodeStop({ type: 'status', status: 'ok' }));
      talking = channel.handOver();
      talking.send(new Uint8Array(10_000_000));
    });
    assert.equal(
      await answerTo(await talker.connection.newStream(HOP), encodeHop({ type: 'reserve' })),
      'ok',
    );
    const reader = await RawPeer.dial(t, address);
    const channel = channelOn(await reader.connection.newStream(HOP));
    await say(channel, encodeHop({ type: 'connect', peer: talker.host.peerId }));
    assert.deepEqual((await readHop(channel)).type, 'status');
    // Whatever comes is left where it is.
    channel.handOver().pause();
    await until('the relay has cut it', () => talking?.status === 'reset' && relay.figures().relayed === 0);
    assert.ok(relay.figures().bytes >= 256 * 1024, 'as much as fits on the way was passed on');
    assert.ok(relay.figures().bytes <= 3 * 256 * 1024, `${relay.figures().bytes} bytes were read for nobody`);
  });

  it('tells a request that it can not read, or does not expect, and is unharmed', async (t) => {
    const { relay, address } = await testRelay(t);
    const peer = await RawPeer.dial(t, address);
    const unknown = peerIdFromString(peerIdOf(testKey(3).publicKey));
    const cases: readonly [Uint8Array, string][] = [
      [Uint8Array.of(0xff), 'malformed-message'],
      [Uint8Array.of(), 'malformed-message'],
      [Uint8Array.of(8, 1), 'malformed-message'],
      [encodeHop({ type: 'status', status: 'ok' }), 'unexpected-message'],
      [encodeHop({ type: 'connect', peer: unknown }), 'no-reservation'],
    ];
    for (const [message, status] of cases)
      assert.equal(await answerTo(await peer.connection.newStream(HOP), message), status);
    // Longer than any message, or nothing at all and gone.
    const long = await peer.open(HOP);
    long.send(framed(new Uint8Array(5000)));
    assert.equal((await long.ended)?.name, 'StreamResetError');
    (await peer.open(HOP)).stream.abort(new Error('gone'));
    assert.deepEqual(relay.figures().refused, {
      'malformed-message': 3,
      'unexpected-message': 1,
      'no-reservation': 1,
    });
  });

  it('takes no more streams on one connection than a client has use for', async (t) => {
    const { address } = await testRelay(t);
    const peer = await RawPeer.dial(t, address);
    const streams = await Promise.all(Array.from({ length: 12 }, () => peer.connection.newStream(HOP)));
    const left = () => streams.filter(({ status }) => status === 'open');
    await until('those above are reset', () => left().length === HOP_STREAMS_PER_CONNECTION);
    assert.equal(await answerTo(left()[0] as Stream, encodeHop({ type: 'reserve' })), 'ok');
  });

  it('closes a connection on which nothing is relayed, but that of a peer with a reservation', async (t) => {
    const { relay, address, target } = await testRelay(t, { limits: { idleMs: 200 } });
    const { through, events } = await nodeBehind(t, new FakeService(), [target]);
    const idle = await RawPeer.dial(t, address);
    await until('it is closed', () => idle.connection.status !== 'open');
    assert.equal(relay.figures().reservations, 1);
    assert.deepEqual(await (await testClient(t, through)).info(), sampleInfo());
    assert.equal(events.length, 1);
  });

  it('that stops cuts what goes through it', async (t) => {
    const { relay, target } = await testRelay(t);
    const { through } = await nodeBehind(t, new FakeService(), [target]);
    const client = await testClient(t, through, { retries: 0 });
    await client.info();
    await relay.stop();
    await assert.rejects(client.info(), { kind: 'unreachable' });
  });
});
