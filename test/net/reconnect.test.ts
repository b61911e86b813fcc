import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { type TestContext, describe, it } from 'node:test';
import { encodeDagCbor } from '#src/base/dag-cbor.js';
import { startServingHost } from '#src/net/host.js';
import { PsephosError } from '#src/base/errors.js';
import { dialPeer, parseDialTarget, peerIdOf, startNode } from '#src/net/index.js';
import { CAST } from '#src/net/protocols/cast/constants.js';
import { INFO } from '#src/net/protocols/info/constants.js';
import { LOG } from '#src/net/protocols/log/constants.js';
import { PeerRefusal } from '#src/services/ports.js';
import { testKey } from '../support/test-keys.js';
import {
  FakeService,
  entryOf,
  framed,
  noDefect,
  sampleInfo,
  testClient,
  testNode,
  until,
} from './support.js';
import { cleanUp } from '../support/cleanup.ts';

const { seed, publicKey } = testKey(7);

/** A node on the same port as one that was stopped, with the same key. */
async function restarted(t: TestContext, service: FakeService, address: string): ReturnType<typeof testNode> {
  return testNode(t, service, {}, { seed, listen: address.replace(/\/p2p\/.*/, '') });
}

describe('a client', () => {
  it('knows the peer’s key from the handshake, whether or not the address names it', async (t) => {
    const { node, address } = await testNode(t, new FakeService(), {}, { seed });
    assert.deepEqual(node.publicKey, publicKey);
    assert.equal(node.peerId, peerIdOf(publicKey));
    assert.ok(address.endsWith(`/p2p/${peerIdOf(publicKey)}`));
    for (const text of [address, address.replace(/\/p2p\/.*/, '')]) {
      const client = await testClient(t, text);
      assert.deepEqual(client.peerKey, publicKey);
      assert.equal(client.peerId, node.peerId);
      assert.equal(client.name, address);
    }
  });

  it('refuses a peer that is not the one the address names, and says who is there', async (t) => {
    const { node, address } = await testNode(t, new FakeService());
    const other = peerIdOf(publicKey);
    await assert.rejects(testClient(t, address.replace(node.peerId, other)), (error) => {
      assert.ok(error instanceof PsephosError);
      assert.equal(error.kind, 'refused');
      assert.equal(error.code, 'wrong-peer');
      assert.ok(error.message.includes(node.peerId) && error.message.includes(other));
      return true;
    });
    await until('it hung up', () => node.connectionCount() === 0);
  });

  it('takes the address where the peer is, when others of the invite lead to nobody or to another peer', async (t) => {
    const right = await testNode(t, new FakeService(), {}, { seed });
    const wrong = await testNode(t, new FakeService(), {}, { listen: '/ip4/127.0.0.1/tcp/0' });
    const addresses = [wrong.address, '/ip6/::1/tcp/1', right.address].map((text) =>
      text.replace(/\/p2p\/.*/, ''),
    );
    const client = await dialPeer({ peerId: peerIdOf(publicKey), addresses });
    cleanUp(t, () => client.close());
    assert.deepEqual(client.peerKey, publicKey);
    assert.deepEqual(await client.info(), sampleInfo());
  });

  it('says for each address in plain words why the peer could not be reached', async (t) => {
    const silent = createServer().listen(0, '::1');
    cleanUp(t, () => silent.close());
    await new Promise((resolve) => silent.on('listening', resolve));
    const { port } = silent.address() as AddressInfo;
    const addresses = ['/ip4/127.0.0.1/tcp/1', `/ip6/::1/tcp/${port}`];
    await assert.rejects(dialPeer({ peerId: undefined, addresses }, { timeoutMs: 300 }), {
      name: 'PsephosError',
      kind: 'unreachable',
      code: 'unreachable',
      message:
        'Could not reach a peer (/ip4/127.0.0.1/tcp/1: connection refused: nothing listens there; ' +
        `/ip6/::1/tcp/${port}: timed out: no answer).`,
    });
  });

  it('tells a program that is no Psephos node from a closed port', async (t) => {
    const web = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
    }).listen(0, '::1');
    cleanUp(t, () => web.close());
    await new Promise((resolve) => web.on('listening', resolve));
    const { port } = web.address() as AddressInfo;
    await assert.rejects(dialPeer(parseDialTarget(`/ip6/::1/tcp/${port}`), { retries: 1 }), {
      code: 'handshake-failed',
    });
  });

  it('tells a libp2p node without an election', async (t) => {
    const node = await startNode({ listen: [{ address: '/ip6/::1/tcp/0' }], onDefect: noDefect });
    cleanUp(t, () => node.stop());
    const client = await testClient(t, node.addresses()[0] ?? '');
    await assert.rejects(client.info(), { kind: 'refused', code: 'not-served' });
  });

  it('leaves nothing with its signal however often it is tried in vain', async () => {
    const { signal } = new AbortController();
    for (let tries = 0; tries < 3; tries++) {
      await assert.rejects(dialPeer(parseDialTarget('/ip6/::1/tcp/1'), { signal }), { code: 'unreachable' });
      assert.equal(getEventListeners(signal, 'abort').length, 0);
    }
  });

  it('looks before each further try whether there is a need for it, and waits no longer than it was told', async (t) => {
    const service = new FakeService();
    service.info = () => Promise.reject(new PeerRefusal('busy', 'Come back.', 0));
    const { address } = await testNode(t, service);
    const waits: number[] = [];
    let needed = 8;
    const client = await dialPeer(parseDialTarget(address), {
      retries: 100,
      longestWaitMs: 4,
      onRetry: (_, waitMs) => waits.push(waitMs),
      beforeRetry: () => (--needed > 0 ? Promise.resolve() : Promise.reject(new Error('enough'))),
    });
    cleanUp(t, () => client.close());
    await assert.rejects(client.info(), { message: 'enough' });
    assert.equal(waits.length, 8);
    assert.ok(Math.max(...waits) <= 6, waits.join());
    assert.ok(new Set(waits).size > 4, 'they are spread');
  });

  it('stops dialling, waiting and asking when its signal aborts', async (t) => {
    const { address } = await testNode(t, new FakeService());
    await assert.rejects(testClient(t, address, { signal: AbortSignal.abort(new Error('stop')) }), {
      message: 'stop',
    });
    const silent = createServer().listen(0, '::1');
    cleanUp(t, () => silent.close());
    await new Promise((resolve) => silent.on('listening', resolve));
    const { port } = silent.address() as AddressInfo;
    const dialling = new AbortController();
    setTimeout(() => {
      dialling.abort(new Error('Ctrl-C'));
    }, 50);
    await assert.rejects(testClient(t, `/ip6/::1/tcp/${port}`, { signal: dialling.signal }), {
      message: 'Ctrl-C',
    });

    const service = new FakeService();
    service.onCast = () => Promise.reject(new PeerRefusal('busy', 'later', 60_000));
    const busy = await testNode(t, service);
    const asking = new AbortController();
    const client = await testClient(t, busy.address, { signal: asking.signal });
    const cast = client.cast(new Uint8Array(1));
    setTimeout(() => {
      asking.abort(new Error('Ctrl-C'));
    }, 50);
    await assert.rejects(cast, { message: 'Ctrl-C' });
  });

  it('asks again when the peer is busy, and not when it refuses', async (t) => {
    const service = new FakeService();
    let asked = 0;
    service.onCast = () => {
      asked += 1;
      return asked < 3 ? Promise.reject(new PeerRefusal('busy', 'later', 10)) : Promise.resolve('receipt');
    };
    const { address } = await testNode(t, service);
    const client = await testClient(t, address);
    assert.equal(await client.cast(new Uint8Array(1)), 'receipt');
    assert.equal(asked, 3);
    service.onCast = () => {
      asked += 1;
      return Promise.reject(new PeerRefusal('closed', 'Round 1 is closed.'));
    };
    await assert.rejects(client.cast(new Uint8Array(1)), { code: 'closed' });
    assert.equal(asked, 4);
  });

  it('gives up on a busy peer after its retries', async (t) => {
    const service = new FakeService();
    let asked = 0;
    service.onCast = () => {
      asked += 1;
      return Promise.reject(new PeerRefusal('busy', 'later', 1));
    };
    const client = await testClient(t, (await testNode(t, service)).address, { retries: 2 });
    await assert.rejects(client.cast(new Uint8Array(1)), { code: 'busy' });
    assert.equal(asked, 3);
  });

  it('comes back by itself when the node is restarted on the same port', async (t) => {
    const service = new FakeService();
    const first = await testNode(t, service, {}, { seed });
    const client = await testClient(t, first.address);
    assert.equal(await client.cast(new Uint8Array(1)), 'receipt of 1 bytes');
    await first.node.stop();
    const cast = client.cast(new Uint8Array(2));
    await new Promise((resolve) => setTimeout(resolve, 100));
    await restarted(t, service, first.address);
    assert.equal(await cast, 'receipt of 2 bytes');
  });

  it('does not come back to another peer on the same port', async (t) => {
    const first = await testNode(t, new FakeService(), {}, { seed });
    const port = first.address.replace(/\/p2p\/.*/, '');
    const client = await testClient(t, port);
    await first.node.stop();
    await testNode(t, new FakeService(), {}, { listen: port });
    await assert.rejects(client.info(), { kind: 'refused', code: 'wrong-peer' });
  });

  it('tells that the peer is gone when it does not come back', async (t) => {
    const { node, address } = await testNode(t, new FakeService());
    const client = await testClient(t, address, { retries: 1 });
    await client.info();
    await node.stop();
    await assert.rejects(client.info(), { kind: 'unreachable' });
  });

  it('takes a range of the log up again where the connection was lost', async (t) => {
    const service = new FakeService();
    service.entryList = Array.from({ length: 3000 }, (_, i) => entryOf(i, 1000));
    const first = await testNode(t, service, { stopMs: 50 }, { seed });
    const client = await testClient(t, first.address);
    const entries: Uint8Array[] = [];
    let stopped = false;
    for await (const chunk of client.entries(5, 2990)) {
      entries.push(...chunk);
      if (!stopped && entries.length > 500) {
        stopped = true;
        await first.node.stop();
        await restarted(t, service, first.address);
      }
    }
    assert.deepEqual(entries, service.entryList.slice(5, 2990));
  });

  it('takes checkpoints and a followed log up again as well', async (t) => {
    const service = new FakeService();
    for (let i = 0; i < 3000; i += 1) service.grow(entryOf(i, 200));
    const first = await testNode(t, service, { stopMs: 50 }, { seed });
    const client = await testClient(t, first.address);
    const texts: string[] = [];
    const follower = (async () => {
      const entries: Uint8Array[] = [];
      for await (const update of client.follow(0)) {
        if ('entries' in update) entries.push(...update.entries);
        if (entries.length === 3010) break;
      }
      return entries;
    })();
    for await (const text of client.checkpoints(0)) {
      texts.push(text);
      if (texts.length === 100) {
        await first.node.stop();
        await restarted(t, service, first.address);
        service.grow(...Array.from({ length: 10 }, (_, i) => entryOf(3000 + i)));
      }
    }
    assert.deepEqual(texts.slice(0, 3000), service.checkpointList.slice(0, 3000));
    assert.deepEqual(await follower, service.entryList);
  });

  it('after close answers nothing, and leaves nothing connected', async (t) => {
    const { node, address } = await testNode(t, new FakeService());
    const client = await testClient(t, address);
    await client.info();
    await client.close();
    await assert.rejects(client.info(), { code: 'client-closed' });
    await until('it is gone', () => node.connectionCount() === 0);
  });
});

describe('a client of a peer that answers nonsense', () => {
  const OTHER_PROTOCOLS = [INFO.id, LOG.id];

  /** A peer that answers each stream with these bytes, then ends its half or not. */
  async function nonsense(t: TestContext, bytes: Uint8Array, end = true): Promise<string> {
    let address = '';
    const host = await startServingHost({
      privateKey: undefined,
      listen: ['/ip6/::1/tcp/0'],
      handshakeMs: 5000,
      refuseNewcomers: () => false,
      onListen: (_, { listener }) => (address = String(listener.getAddrs()[0])),
    });
    cleanUp(t, () => host.stop());
    await host.handle([CAST.id, ...OTHER_PROTOCOLS], (stream) => {
      stream.addEventListener('message', () => {
        if (stream.writeStatus !== 'writable') return;
        stream.send(bytes);
        if (end) void stream.close();
      });
    });
    return address;
  }

  const cases: readonly [string, Uint8Array][] = [
    ['garbage', framed(Uint8Array.of(0xff, 0xff))],
    ['an empty frame', Uint8Array.of(0)],
    ['neither result nor error', framed(encodeDagCbor({ fine: true }))],
    [
      'both result and error',
      framed(encodeDagCbor({ ok: { receipt: 'r' }, error: { code: 'busy', message: '' } })),
    ],
    ['a result of another shape', framed(encodeDagCbor({ ok: { receipt: 5 } }))],
    ['an error with an unknown code', framed(encodeDagCbor({ error: { code: 'strange', message: 'x' } }))],
    [
      'an error that would command the terminal',
      framed(encodeDagCbor({ error: { code: 'busy', message: '\u001b[2J' } })),
    ],
    ['an oversized announcement', Uint8Array.of(0xff, 0xff, 0x7f)],
    ['a frame without end', Uint8Array.of(0xff, 0xff, 0xff, 0xff)],
  ];
  for (const [what, bytes] of cases) {
    it(`gets a clear error for ${what}`, async (t) => {
      const client = await testClient(t, await nonsense(t, bytes));
      await assert.rejects(client.cast(new Uint8Array(1)), { kind: 'refused', code: 'bad-answer' });
    });
  }

  it('gets a clear error for two promises, for one that is too long, and for a promise without end', async (t) => {
    const promise = framed(encodeDagCbor({ ok: { promise: 'p' } }));
    const long = framed(encodeDagCbor({ ok: { promise: 'p'.repeat(4097) } }));
    const empty = framed(encodeDagCbor({ ok: { promise: '' } }));
    for (const [bytes, heard] of [
      [Buffer.concat([promise, promise]), ['p']],
      [long, []],
      [empty, []],
      [framed(encodeDagCbor({ ok: { promise: 'p', receipt: 'r' } })), []],
    ] as const) {
      const client = await testClient(t, await nonsense(t, bytes));
      const promises: string[] = [];
      await assert.rejects(
        client.cast(new Uint8Array(1), (text) => promises.push(text)),
        { kind: 'refused', code: 'bad-answer' },
      );
      assert.deepEqual(promises, heard);
    }
    const client = await testClient(t, await nonsense(t, promise), { retries: 1 });
    const promises: string[] = [];
    await assert.rejects(
      client.cast(new Uint8Array(1), (text) => promises.push(text)),
      { kind: 'unreachable', code: 'connection-lost' },
    );
    // The ballot was sent again, and promised again.
    assert.deepEqual(promises, ['p', 'p']);
  });

  it('gets a clear error for more entries than it asked for, none, or checkpoints instead', async (t) => {
    for (const answer of [
      { entries: [entryOf(0), entryOf(1), entryOf(2)] },
      { entries: [] },
      { checkpoints: ['x'] },
      { entries: [new Uint8Array(512 * 1024 + 1)] },
    ]) {
      const client = await testClient(t, await nonsense(t, framed(encodeDagCbor({ ok: answer }))));
      const reading = async (): Promise<void> => {
        for await (const chunk of client.entries(0, 2)) assert.ok(chunk.length > 0);
      };
      await assert.rejects(reading, { kind: 'refused', code: 'bad-answer' });
    }
  });

  it('takes an answer that breaks off for a lost connection', async (t) => {
    const client = await testClient(t, await nonsense(t, framed(new Uint8Array(100)).subarray(0, 50)), {
      retries: 1,
    });
    await assert.rejects(client.cast(new Uint8Array(1)), { kind: 'unreachable', code: 'connection-lost' });
  });
});
