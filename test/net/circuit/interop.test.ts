import assert from 'node:assert/strict';
import { type TestContext, describe, it } from 'node:test';
import { noise } from '@chainsafe/libp2p-noise';
import { yamux } from '@chainsafe/libp2p-yamux';
import { circuitRelayServer, circuitRelayTransport } from '@libp2p/circuit-relay-v2';
import { identify } from '@libp2p/identify';
import { tcp } from '@libp2p/tcp';
import { multiaddr } from '@multiformats/multiaddr';
import { type Libp2p, type Libp2pOptions, createLibp2p } from 'libp2p';
import { encodeDagCbor } from '#src/base/dag-cbor.js';
import { parseRelays } from '#src/net/index.js';
import { CAST } from '#src/net/protocols/cast/constants.js';
import { cleanUp } from '../../support/cleanup.js';
import { testKey } from '../../support/test-keys.js';
import { FakeService, RawStream, framed, sampleInfo, testClient, testNode, until } from '../support.js';
import { nodeBehind, testRelay, untilTold } from './support.js';

/** js-libp2p's own implementation, in all three parts: what others run is like it. */
async function theirs(t: TestContext, options: Libp2pOptions): Promise<Libp2p> {
  const host = await createLibp2p({
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    transports: [tcp(), circuitRelayTransport()],
    connectionMonitor: { enabled: false },
    services: { identify: identify() },
    ...options,
  });
  cleanUp(t, () => host.stop());
  return host;
}

describe('with js-libp2p’s own circuit relay', () => {
  it('its relay lets our nodes be reached by our clients', async (t) => {
    const relay = await theirs(t, {
      addresses: { listen: ['/ip6/::1/tcp/0'] },
      transports: [tcp()],
      services: { identify: identify(), relay: circuitRelayServer() },
    });
    const targets = parseRelays([String(relay.getMultiaddrs()[0])]);
    const { events, through } = await nodeBehind(t, new FakeService(), targets, testKey(7));
    await untilTold(events, 'relay-held');
    const client = await testClient(t, through);
    assert.equal(client.way.path, 'relayed');
    assert.deepEqual(await client.info(), sampleInfo());
    assert.equal(await client.cast(new Uint8Array(50_000)), 'receipt of 50000 bytes');
  });

  it('its clients reach our nodes through our relay', async (t) => {
    const { relay, target } = await testRelay(t);
    const { through } = await nodeBehind(t, new FakeService(), [target]);
    const client = await theirs(t, {});
    const connection = await client.dial(multiaddr(through));
    const stream = new RawStream(await connection.newStream(CAST.id, { runOnLimitedConnection: true }));
    stream.send(framed(encodeDagCbor({ ballot: new Uint8Array(3) })));
    await until('the answer', () => stream.frames().length === 1);
    assert.deepEqual(stream.frames(), [{ ok: { receipt: 'receipt of 3 bytes' } }]);
    assert.equal(relay.figures().relayed, 1);
  });

  it('its listeners hold reservations at our relay, and our clients reach them', async (t) => {
    const { relay, address } = await testRelay(t);
    const listener = await theirs(t, { addresses: { listen: [`${address}/p2p-circuit`] } });
    await until('it is reserved', () => relay.figures().reservations === 1);
    const through = `${address}/p2p-circuit/p2p/${listener.peerId.toString()}`;
    const client = await testClient(t, through, { retries: 0 });
    assert.equal(client.peerId, listener.peerId.toString());
    await assert.rejects(client.info(), { code: 'not-served' });
  });

  it('a node of ours without relays takes nothing from strangers that speak its language', async (t) => {
    const { node, address } = await testNode(t, new FakeService());
    const other = await theirs(t, {});
    const connection = await other.dial(multiaddr(address));
    await assert.rejects(connection.newStream('/libp2p/circuit/relay/0.2.0/stop'), {
      name: 'UnsupportedProtocolError',
    });
    assert.equal(node.connectionCount(), 1);
  });
});
