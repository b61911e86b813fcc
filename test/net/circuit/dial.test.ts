import assert from 'node:assert/strict';
import { type AddressInfo, type Server, createServer } from 'node:net';
import { type TestContext, describe, it } from 'node:test';
import { PsephosError } from '#src/base/errors.js';
import { type Channel, channelOn } from '#src/net/circuit/channel.js';
import { STOP, decodeStop, encodeHop, encodeStop } from '#src/net/circuit/messages.js';
import { splice } from '#src/net/circuit/splice.js';
import { dialPeer, peerIdOf } from '#src/net/index.js';
import { cleanUp } from '../../support/cleanup.js';
import { testKey } from '../../support/test-keys.js';
import { FakeService, sampleInfo, testNode, until } from '../support.js';
import { lyingRelay, nodeBehind, readHop, say, testRelay } from './support.js';

const { seed, publicKey } = testKey(7);
const peerId = peerIdOf(publicKey);
const OK = encodeHop({ type: 'status', status: 'ok' });
const bare = (address: string) => address.replace(/\/p2p\/.*/, '');
const circuit = (relay: string) => `${relay}/p2p-circuit`;
const target = (...addresses: string[]) => ({ peerId, electionId: undefined, addresses });

/** A port of ::1 on which somebody takes connections and says nothing. */
async function silentAddress(t: TestContext): Promise<{ readonly address: string; readonly server: Server }> {
  const server = createServer().listen(0, '::1');
  cleanUp(t, () => server.close());
  await new Promise((resolve) => server.on('listening', resolve));
  return { address: `/ip6/::1/tcp/${(server.address() as AddressInfo).port}`, server };
}

describe('a peer that can be reached directly and through a relay', () => {
  it('is reached directly', async (t) => {
    const { relay, target: at } = await testRelay(t);
    const { node } = await nodeBehind(t, new FakeService(), [at], { seed });
    const [direct, through] = node.addresses().map((text) => text.replace(`/p2p/${peerId}`, ''));
    const client = await dialPeer(target(through ?? '', direct ?? ''));
    cleanUp(t, () => client.close());
    assert.deepEqual(client.way, { path: 'direct-ip6', address: direct });
    assert.equal(relay.figures().relayedEver, 0);
  });

  it('by IPv4 is reached so where nothing listens on IPv6', async (t) => {
    const { address } = await testNode(t, new FakeService(), {}, { seed, listen: '/ip4/127.0.0.1/tcp/0' });
    const client = await dialPeer(target('/ip6/::1/tcp/1', bare(address)));
    cleanUp(t, () => client.close());
    assert.deepEqual(client.way, { path: 'direct-ip4', address: bare(address) });
  });

  it('is reached through the relay where direct addresses are dead, or say nothing', async (t) => {
    const relay = await testRelay(t);
    await nodeBehind(t, new FakeService(), [relay.target], { seed });
    const silent = await silentAddress(t);
    for (const direct of ['/ip6/::1/tcp/1', silent.address]) {
      const client = await dialPeer(target(direct, circuit(relay.address)));
      cleanUp(t, () => client.close());
      assert.deepEqual(client.way, { path: 'relayed', address: circuit(relay.address) });
      assert.deepEqual(await client.info(), sampleInfo());
    }
  });

  it('is reached directly again when that has become possible, after the relay has cut the connection', async (t) => {
    const { relay, target: at, address } = await testRelay(t, { limits: { relayedMs: 500 } });
    await nodeBehind(t, new FakeService(), [at], { seed });
    // Whoever connects is hung up on, at first.
    const wall = createServer((socket) => socket.destroy()).listen(0, '::1');
    await new Promise((resolve) => wall.on('listening', resolve));
    const walled = `/ip6/::1/tcp/${(wall.address() as AddressInfo).port}`;
    const client = await dialPeer(target(walled, circuit(address)));
    cleanUp(t, () => client.close());
    assert.equal(client.way.path, 'relayed');
    await new Promise((resolve) => wall.close(resolve));
    await testNode(t, new FakeService(), {}, { seed, listen: walled });
    await until(
      'the relay has cut it',
      () => relay.figures().relayedEver > 0 && relay.figures().relayed === 0,
    );
    assert.deepEqual(await client.info(), sampleInfo());
    assert.deepEqual(client.way, { path: 'direct-ip6', address: walled });
  });
});

describe('a relay that lies', () => {
  /** Says that it connects, and then does this with the stream. */
  const connected = (then: (channel: Channel) => void | Promise<void>) => async (channel: Channel) => {
    await readHop(channel);
    await say(channel, OK);
    await then(channel);
  };
  const cases: readonly [string, (channel: Channel) => Promise<void>, RegExp][] = [
    [
      'that it knows no way',
      async (channel) => say(channel, encodeHop({ type: 'status', status: 'no-reservation' })),
      /the relay can not reach the peer now/,
    ],
    [
      'that the peer does not answer',
      async (channel) => say(channel, encodeHop({ type: 'status', status: 'connection-failed' })),
      /the relay got no answer from the peer/,
    ],
    [
      'that it may not',
      async (channel) => say(channel, encodeHop({ type: 'status', status: 'permission-denied' })),
      /the relay refuses to connect to the peer/,
    ],
    ['nothing that is understood', async (channel) => say(channel, Uint8Array.of(0xff)), /not understood/],
    [
      'in an answer of another kind',
      async (channel) => say(channel, encodeHop({ type: 'reserve' })),
      /not understood/,
    ],
    [
      'nothing, and hangs up',
      (channel) => {
        channel.handOver().abort(new Error('gone'));
        return Promise.resolve();
      },
      /the relay hung up/,
    ],
    [
      'that it has connected, and resets',
      connected((channel) => {
        channel.handOver().abort(new Error('gone'));
      }),
      /did not prove to be the peer, or cut the connection/,
    ],
    [
      'that it has connected, and sends nonsense',
      connected((channel) => {
        channel.handOver().send(new Uint8Array(1000).fill(0x55));
      }),
      /did not prove to be the peer, or cut the connection/,
    ],
  ];
  for (const [what, onHop, message] of cases) {
    it(`(${what}) is told from the peer, with the address where it is`, async (t) => {
      const { address } = await lyingRelay(t, onHop);
      await assert.rejects(dialPeer(target('/ip6/::1/tcp/1', circuit(address)), { retries: 0 }), (error) => {
        assert.ok(error instanceof PsephosError);
        assert.deepEqual([error.kind, error.code], ['unreachable', 'unreachable']);
        assert.match(error.message, message);
        assert.ok(error.message.includes(`${circuit(address)}: `));
        assert.match(error.message, /\/ip6\/::1\/tcp\/1: connection refused/);
        return true;
      });
    });
  }

  it('that says it has connected, and nothing more, costs time only', async (t) => {
    const { address } = await lyingRelay(
      t,
      connected(() => undefined),
    );
    await assert.rejects(dialPeer(target(circuit(address)), { timeoutMs: 400, retries: 0 }), {
      code: 'unreachable',
      message: `Could not reach peer ${peerId} (${circuit(address)}: timed out: the relay says that it has connected, and nobody answered).`,
    });
  });

  it('can not put another peer in the place of the one that was asked for', async (t) => {
    // It holds a reservation of another peer, and connects everybody to that one.
    const other = testKey(8).seed;
    const {
      target: at,
      address,
      host,
    } = await lyingRelay(t, async (channel, relay, from) => {
      const request = await readHop(channel);
      if (request.type === 'reserve')
        return say(
          channel,
          encodeHop({ type: 'status', status: 'ok', reservation: { expires: 2e9, addresses: [] } }),
        );
      const [victim] = relay
        .getConnections()
        .filter(({ remotePeer }) => remotePeer.toString() === peerIdOf(testKey(8).publicKey));
      if (victim === undefined) throw new Error('nobody is there');
      const stop = channelOn(await victim.newStream(STOP));
      await say(stop, encodeStop({ type: 'connect', peer: from.remotePeer }));
      await stop.read(decodeStop, { signal: AbortSignal.timeout(5000) });
      await say(channel, OK);
      splice(channel.handOver(), stop.handOver(), { bytes: 1e9, ms: 1e6, stalledMs: 1e6 }, () => undefined);
    });
    const { node } = await nodeBehind(t, new FakeService(), [at], { seed: other });
    await assert.rejects(dialPeer(target(circuit(address)), { retries: 0 }), (error) => {
      assert.match(String(error), /the relay connected to somebody who did not prove to be the peer/);
      return true;
    });
    // The other peer can be asked for, by its own name.
    const client = await dialPeer({ ...target(circuit(address)), peerId: node.peerId });
    cleanUp(t, () => client.close());
    assert.deepEqual(await client.info(), sampleInfo());
    assert.equal(host.getConnections().length > 0, true);
  });

  it('or another peer in its place, or no relay at all, is named with the reason', async (t) => {
    const noRelay = await testNode(t, new FakeService(), {}, { seed: testKey(9).seed });
    const { address } = await testRelay(t);
    const wrong = `${bare(address)}/p2p/${peerIdOf(testKey(10).publicKey)}`;
    const gone = `/ip6/::1/tcp/1/p2p/${peerIdOf(testKey(11).publicKey)}`;
    await assert.rejects(
      dialPeer(target(...[noRelay.address, wrong, gone].map(circuit)), { retries: 0 }),
      (error) => {
        assert.ok(error instanceof PsephosError);
        assert.deepEqual([error.kind, error.code], ['unreachable', 'unreachable']);
        assert.match(error.message, /a peer answers there, but it is no relay/);
        assert.match(error.message, /the relay: peer 12D3KooW\w+ is there, not 12D3KooW/);
        assert.match(error.message, /the relay: connection refused: nothing listens there/);
        return true;
      },
    );
  });

  it('does not keep an honest one beside it from being used', async (t) => {
    const liar = await lyingRelay(
      t,
      connected(() => undefined),
    );
    const honest = await testRelay(t);
    await nodeBehind(t, new FakeService(), [honest.target], { seed });
    const client = await dialPeer(target(circuit(liar.address), circuit(honest.address)));
    cleanUp(t, () => client.close());
    assert.equal(client.way.address, circuit(honest.address));
    await until('the liar is left alone', () => liar.host.getConnections().length === 0);
  });
});
