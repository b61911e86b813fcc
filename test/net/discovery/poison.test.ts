import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { type TestContext, describe, it } from 'node:test';
import type { Listener, Stream } from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import { lpStream } from '@libp2p/utils';
import { Key } from 'interface-datastore/key';
import { multiaddr } from '@multiformats/multiaddr';
import { PsephosError } from '#src/base/errors.js';
import { encodeFields } from '#src/net/circuit/protobuf.js';
import { encodeProvider, keyOf } from '#src/net/discovery/messages.js';
import { KAD } from '#src/net/discovery/protocol.js';
import { kadParts } from '#src/net/discovery/kad.js';
import { kadOf, startServingHost } from '#src/net/host.js';
import { keyPairOf } from '#src/net/identity.js';
import { dialPeer, peerIdOf } from '#src/net/index.js';
import {
  KAD_PEERS,
  KAD_PROVIDERS_PER_KEY,
  KAD_REQUEST_BYTES,
  KAD_STREAMS,
  KAD_STREAMS_PER_CONNECTION,
  LOOKUP_MS,
} from '#src/net/limits.js';
import { cleanUp } from '../../support/cleanup.ts';
import { testKey } from '../../support/test-keys.ts';
import { FakeService, RawPeer, testNode, until } from '../support.ts';
import { ELECTION, addressOf, foundNode, servers, untilAsked } from './support.ts';

const AUTHORITY = testKey(1);
const AUTHORITY_ID = peerIdOf(AUTHORITY.publicKey);
const STALE = '/ip6/::1/tcp/9';
const NAMES = [8, 9] as const;
const FIND_NODE = 4;

/** Of as many bytes as it says, or fewer. */
function peerField(peerId: string, addresses: readonly string[]): Uint8Array {
  return encodeFields([
    [1, keyOf({ peer: peerId })],
    ...addresses.map((address) => [2, multiaddr(address).bytes] as const),
  ]);
}

/** A peer that answers every question with the same message, sent as it is, and says that it is there; resolves to its address and how often it was asked. */
async function liar(
  t: TestContext,
  key: number,
  answer: Uint8Array | undefined,
): Promise<{ readonly address: string; readonly asked: () => number }> {
  const host = await startServingHost({
    privateKey: await keyPairOf(testKey(key).seed),
    listen: ['/ip6/::1/tcp/0'],
    handshakeMs: 10_000,
    refuseNewcomers: () => false,
    onListen: () => undefined,
  });
  cleanUp(t, () => host.stop());
  let asked = 0;
  await host.handle(KAD, async (stream: Stream) => {
    asked += 1;
    const frames = lpStream(stream);
    await frames.read();
    if (answer !== undefined) await frames.write(answer);
  });
  await host.handle('/ipfs/ping/1.0.0', (stream: Stream) => {
    stream.addEventListener('message', ({ data }) => {
      stream.send(data);
    });
  });
  return { address: host.getMultiaddrs()[0]?.toString() ?? '', asked: () => asked };
}

async function codeOf(dialling: Promise<{ close(): Promise<void> }>): Promise<string> {
  try {
    await (await dialling).close();
    return 'connected';
  } catch (error) {
    assert.ok(error instanceof PsephosError, String(error));
    return error.code;
  }
}

describe('peers that lie about where others are', () => {
  it('keep nobody from finding the authority, as long as one of those asked tells the truth', async (t) => {
    const { address: impostor } = await testNode(t, new FakeService(), {}, { seed: testKey(66).seed });
    const [bare = ''] = impostor.split('/p2p/');
    const observer = await foundNode(t, { key: 2 });
    const authority = await foundNode(t, { key: 1, entryPoints: () => [addressOf(observer)] });
    await untilAsked('the observer was told', async () =>
      (await servers([addressOf(observer)])).includes(authority.peerId),
    );
    const wrong = [bare, ...Array.from({ length: 20 }, (_, port) => `/ip6/::1/tcp/${port + 1}`)];
    const others = Array.from({ length: 100 }, (_, key) =>
      peerField(peerIdOf(testKey(key + 100).publicKey), [`/ip6/::1/tcp/${key + 1}`]),
    );
    const lies = encodeFields([
      ...NAMES.map((name) => [name, peerField(AUTHORITY_ID, wrong)] as const),
      ...others.map((other) => [8, other] as const),
    ]);
    const liars = await Promise.all([
      liar(t, 50, lies),
      liar(t, 51, lies),
      liar(t, 52, Uint8Array.of(1, 2, 3)),
      // Never answers.
      liar(t, 53, undefined),
    ]);
    const client = await dialPeer({
      peerId: AUTHORITY_ID,
      addresses: [STALE],
      observers: [...liars.map(({ address }) => address), addressOf(observer)],
    });
    cleanUp(t, () => client.close());
    assert.deepEqual(client.peerKey, AUTHORITY.publicKey);
    assert.equal(`${client.way.address}/p2p/${client.peerId}`, addressOf(authority));
    assert.ok(liars.some(({ asked }) => asked() > 0));
  });

  it('lead to nobody else where they are all who were asked, and cost a bounded time', async (t) => {
    const { address: impostor } = await testNode(t, new FakeService(), {}, { seed: testKey(66).seed });
    const [bare = ''] = impostor.split('/p2p/');
    const lies = encodeFields([[8, peerField(AUTHORITY_ID, [bare])]]);
    const { address, asked } = await liar(t, 50, lies);
    const started = performance.now();
    const dialling = dialPeer({ peerId: AUTHORITY_ID, addresses: [STALE], observers: [address] });
    assert.equal(await codeOf(dialling), 'unreachable');
    assert.equal(asked(), 1);
    t.diagnostic(`given up after ${Math.round(performance.now() - started)} ms; the bound is ${LOOKUP_MS}`);
  });

  it('are cut off when they send more than any answer has', async (t) => {
    const long = encodeFields([[8, new Uint8Array(1 << 20)]]);
    const { address } = await liar(t, 50, long);
    const dialling = dialPeer({ peerId: AUTHORITY_ID, addresses: [STALE], observers: [address] });
    assert.equal(await codeOf(dialling), 'unreachable');
  });
});

describe('strangers who tell a node of others', () => {
  it('fill nothing: what is kept of them is bounded, and those who left are no obstacle', async (t) => {
    let listener: Listener | undefined;
    const server = await startServingHost({
      privateKey: await keyPairOf(testKey(2).seed),
      listen: ['/ip6/::1/tcp/0'],
      handshakeMs: 10_000,
      refuseNewcomers: () => false,
      onListen: (_address, outcome) => {
        listener = outcome.listener;
      },
      kad: { addresses: () => [] },
    });
    cleanUp(t, () => server.stop());
    const kept = () => kadOf(server)?.datastore.size ?? 0;
    const address = `${String(listener?.getAddrs()[0])}/p2p/${server.peerId.toString()}`;
    const before = kept();
    for (let round = 0; round < KAD_PROVIDERS_PER_KEY + 10; round++) {
      const peer = await RawPeer.dial(t, address);
      const self = { peerId: peer.host.peerId.toString(), addresses: ['/ip6/::1/tcp/5'] };
      const stream = await peer.connection.newStream(KAD);
      await lpStream(stream).write(encodeProvider(ELECTION, self));
      await untilAsked('it was heard', async () => (await servers([address])).includes(self.peerId));
      await peer.host.stop();
    }
    // Those who have left, and took no part, are forgotten but for what they said to serve.
    await until('no more is kept', () => kept() - before === KAD_PROVIDERS_PER_KEY);
    assert.deepEqual(await servers([address]), []);
  });

  it('have it dial nobody in networks that it is not known to be in', async (t) => {
    let dialled = 0;
    const trap = createServer((socket) => {
      dialled += 1;
      socket.destroy();
    }).listen(0, '::1');
    cleanUp(t, () => void trap.close());
    await once(trap, 'listening');
    const { port } = trap.address() as AddressInfo;
    const others = Array.from({ length: 20 }, (_, key) =>
      peerField(peerIdOf(testKey(key + 100).publicKey), [`/ip6/::1/tcp/${port}`]),
    );
    const lies = encodeFields([[1, FIND_NODE], ...others.map((other) => [8, other] as const)]);
    const { address, asked } = await liar(t, 50, lies);
    for (const [own, isNear] of [
      ['/ip6/2a02:8071:1234::5/tcp/1', false],
      ['/ip6/::1/tcp/1', true],
    ] as const) {
      const server = await startServingHost({
        privateKey: await keyPairOf(testKey(2).seed),
        listen: ['/ip6/::1/tcp/0'],
        handshakeMs: 10_000,
        refuseNewcomers: () => false,
        onListen: () => undefined,
        kad: { addresses: () => [own] },
      });
      cleanUp(t, () => server.stop());
      const kad = kadOf(server);
      assert.ok(kad !== undefined);
      const before = asked();
      await kad.identify(await server.dial(multiaddr(address)));
      await untilAsked('the liar was asked', async () => {
        const steps = kad.dht.getClosestPeers(server.peerId.toMultihash().bytes)[Symbol.asyncIterator]();
        while ((await steps.next()).done !== true);
        // With nobody to ask, that was over at once.
        await setImmediate();
        return asked() > before;
      });
      assert.equal(dialled > 0, isNear, own);
    }
  });

  it('push out nobody whom the node has chosen to tell where it is', () => {
    const parts = kadParts(peerIdFromString(peerIdOf(testKey(2).publicKey)));
    const { datastore } = parts.options;
    const keyOfPeer = (peerId: string) => new Key(`/peers/${peerIdFromString(peerId).toCID().toString()}`);
    const chosen = peerIdOf(testKey(3).publicKey);
    parts.keep([chosen]);
    datastore.put(keyOfPeer(chosen), Uint8Array.of(1));
    const strangers = Array.from(
      { length: 2 * KAD_PEERS },
      (_, number) => new Key(`/peers/stranger${number}`),
    );
    for (const key of strangers) datastore.put(key, Uint8Array.of(2));
    assert.ok(datastore.size <= KAD_PEERS);
    assert.ok(datastore.has(keyOfPeer(chosen)));
  });

  it('are believed of nobody but themselves, and can leave no records', async (t) => {
    const observer = await foundNode(t, { key: 2 });
    const peer = await RawPeer.dial(t, addressOf(observer));
    const about = { peerId: AUTHORITY_ID, addresses: ['/ip6/::1/tcp/5'] };
    const provider = await peer.connection.newStream(KAD);
    await lpStream(provider).write(encodeProvider(ELECTION, about));
    const record = await peer.connection.newStream(KAD);
    const put = encodeFields([
      [1, 0],
      [2, Uint8Array.of(1, 2, 3)],
      [3, new Uint8Array(100)],
    ]);
    await lpStream(record).write(put);
    await assert.rejects(lpStream(record).read({ signal: AbortSignal.timeout(10_000) }));
    assert.deepEqual(await servers([addressOf(observer)]), [observer.peerId]);
  });

  it('keep nobody else out by requests that never end', async (t) => {
    const observer = await foundNode(t, { key: 2 });
    const held: Promise<Error | undefined>[] = [];
    while (held.length < KAD_STREAMS) {
      const peer = await RawPeer.dial(t, addressOf(observer));
      for (let stream = 0; stream < KAD_STREAMS_PER_CONNECTION; stream++)
        held.push((await peer.open(KAD)).ended);
    }
    assert.deepEqual(await servers([addressOf(observer)]), [observer.peerId]);
    assert.ok((await Promise.race(held)) instanceof Error);
  });

  it('are cut off when a request is larger than any', async (t) => {
    const observer = await foundNode(t, { key: 2 });
    const peer = await RawPeer.dial(t, addressOf(observer));
    const raw = await peer.open(KAD);
    raw.send(Uint8Array.of(0xff, 0xff, 0x7f));
    raw.send(new Uint8Array(2 * KAD_REQUEST_BYTES));
    assert.ok((await raw.ended) instanceof Error);
  });
});
