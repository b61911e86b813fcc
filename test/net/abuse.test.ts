import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import { type TestContext, describe, it } from 'node:test';
import { noise } from '@chainsafe/libp2p-noise';
import type { MessageStream } from '@libp2p/interface';
import { tcp } from '@libp2p/tcp';
import { multiaddr } from '@multiformats/multiaddr';
import fc from 'fast-check';
import { createLibp2p } from 'libp2p';
import { encodeDagCbor } from '#src/base/dag-cbor.js';
import { CAST } from '#src/net/protocols/cast/constants.js';
import { INFO } from '#src/net/protocols/info/constants.js';
import { LOG } from '#src/net/protocols/log/constants.js';
import { PROOF } from '#src/net/protocols/proof/constants.js';
import {
  FakeService,
  RawPeer,
  type TestNode,
  entryOf,
  framed,
  sampleInfo,
  spyingYamux,
  testClient,
  testNode,
  until,
} from './support.js';

const PROTOCOLS = [INFO, CAST, LOG, PROOF];

function codeOf(frame: unknown): string | undefined {
  return (frame as { error?: { code: string } } | undefined)?.error?.code;
}

/** The node still answers others, keeps no stream, and found nothing to report. */
async function isUnharmed(t: TestContext, { node, address, defects }: TestNode): Promise<void> {
  const client = await testClient(t, address);
  assert.deepEqual(await client.info(), sampleInfo());
  await client.close();
  await until('no stream is left', () => node.streamCount() === 0);
  assert.deepEqual(defects, []);
}

function rawSocket(address: string): Socket {
  const port = Number(/\/tcp\/(\d+)/.exec(address)?.[1]);
  const socket = connect(port, '::1');
  // A reset is how the node hangs up.
  socket.on('error', () => undefined);
  socket.resume();
  return socket;
}

/** `once` would take the reset for a failure. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.closed) resolve();
    else socket.on('close', resolve);
  });
}

describe('a node among hostile peers', () => {
  for (const spec of PROTOCOLS) {
    it(`${spec.id}: garbage is answered with "malformed" and the stream is closed`, async (t) => {
      const testing = await testNode(t, new FakeService(), { lingerMs: 100 });
      const peer = await RawPeer.dial(t, testing.address);
      const garbage = [
        Uint8Array.of(0xff),
        new TextEncoder().encode('GET / HTTP/1.1\r\n\r\n'),
        encodeDagCbor('text'),
        encodeDagCbor([]),
        encodeDagCbor({ unknown: 1 }),
        encodeDagCbor({ ballot: 'text', what: 'entries', from: -1, voter: 1, inclusion: {} }),
        encodeDagCbor({ what: 'entries', from: 1.5 }),
        encodeDagCbor({ what: 'entries', from: 5, to: 4 }),
        // Keys in the wrong order: the same value in a second spelling.
        Uint8Array.of(0xa2, 0x62, 0x62, 0x62, 1, 0x61, 0x61, 1),
        Uint8Array.of(...encodeDagCbor({}), 0),
      ];
      for (const payload of garbage) {
        const stream = await peer.open(spec.id);
        stream.send(framed(payload));
        assert.equal(await stream.ended, undefined);
        assert.deepEqual(stream.frames().map(codeOf), ['malformed'], Buffer.from(payload).toString('hex'));
        await stream.stream.close();
      }
      await isUnharmed(t, testing);
    });

    it(`${spec.id}: an oversized frame is answered with "too-large", announced or sent`, async (t) => {
      const testing = await testNode(t, new FakeService(), { lingerMs: 100 });
      const peer = await RawPeer.dial(t, testing.address);
      const announced = await peer.open(spec.id);
      announced.send(framed(new Uint8Array(spec.maxRequestBytes + 1)).subarray(0, 4));
      assert.equal(await announced.ended, undefined);
      assert.deepEqual(announced.frames().map(codeOf), ['too-large']);

      const sent = await peer.open(spec.id);
      sent.send(framed(new Uint8Array(1_500_000)));
      await sent.ended;
      assert.deepEqual(sent.frames().map(codeOf), ['too-large']);
      await isUnharmed(t, testing);
    });

    it(`${spec.id}: a truncated frame is answered with "malformed"`, async (t) => {
      const testing = await testNode(t, new FakeService());
      const peer = await RawPeer.dial(t, testing.address);
      const stream = await peer.open(spec.id);
      stream.send(framed(new Uint8Array(200)).subarray(0, 100));
      await stream.stream.close();
      assert.equal(await stream.ended, undefined);
      assert.deepEqual(stream.frames().map(codeOf), ['malformed']);
      await isUnharmed(t, testing);
    });

    it(`${spec.id}: any bytes at all leave the node unharmed`, async (t) => {
      const testing = await testNode(t, new FakeService(), {
        requestMs: 50,
        idleStreamMs: 50,
        lingerMs: 50,
        slowestBytesPerSecond: 1e9,
      });
      const peer = await RawPeer.dial(t, testing.address);
      await fc.assert(
        fc.asyncProperty(
          fc.uint8Array({ minLength: 1, maxLength: 400 }),
          fc.boolean(),
          async (bytes, close) => {
            const stream = await peer.open(spec.id);
            stream.send(bytes);
            if (close) await stream.stream.close();
            await stream.ended;
            if (stream.stream.status === 'open') await stream.stream.close();
          },
        ),
        { numRuns: 20 },
      );
      await isUnharmed(t, testing);
    });

    it(`${spec.id}: a stream on which nothing is said, or nothing more, is cut off`, async (t) => {
      const testing = await testNode(t, new FakeService(), { requestMs: 60, idleStreamMs: 60 });
      const peer = await RawPeer.dial(t, testing.address);
      const silent = await peer.open(spec.id);
      assert.equal((await silent.ended)?.name, 'StreamResetError');
      const half = await peer.open(spec.id);
      half.send(framed(new Uint8Array(100)).subarray(0, 50));
      assert.equal((await half.ended)?.name, 'StreamResetError');
      await isUnharmed(t, testing);
    });
  }

  it('a request is served and the next one may take longer than the first, but not for ever', async (t) => {
    const testing = await testNode(t, new FakeService(), { requestMs: 80, idleStreamMs: 400 });
    const peer = await RawPeer.dial(t, testing.address);
    const stream = await peer.open(CAST.id);
    stream.send(framed(encodeDagCbor({ ballot: Uint8Array.of(1) })));
    await until('the first answer', () => stream.frames().length === 1);
    await new Promise((resolve) => setTimeout(resolve, 160));
    stream.send(framed(encodeDagCbor({ ballot: Uint8Array.of(1, 2) })));
    await until('the second answer', () => stream.frames().length === 2);
    assert.equal((await stream.ended)?.name, 'StreamResetError');
    await isUnharmed(t, testing);
  });

  it('requests sent ahead are answered in their order', async (t) => {
    const testing = await testNode(t, new FakeService());
    const peer = await RawPeer.dial(t, testing.address);
    const stream = await peer.open(CAST.id);
    for (let i = 0; i < 2000; i += 1) stream.send(framed(encodeDagCbor({ ballot: new Uint8Array(i) })));
    await stream.stream.close();
    await stream.ended;
    assert.deepEqual(
      stream.frames(),
      Array.from({ length: 2000 }, (_, i) => ({ ok: { receipt: `receipt of ${i} bytes` } })),
    );
    await isUnharmed(t, testing);
  });

  it('a peer that takes neither promises nor receipts is cut off, and its ballots are taken no further', async (t) => {
    const service = new FakeService();
    let casts = 0;
    service.onCast = (_, onPromise) => {
      casts += 1;
      onPromise('p'.repeat(4096));
      return Promise.resolve('r'.repeat(100_000));
    };
    const testing = await testNode(t, service, { writeMs: 100, slowestBytesPerSecond: 1_000_000 });
    const peer = await RawPeer.dial(t, testing.address);
    const stream = await peer.open(CAST.id);
    stream.stream.pause();
    for (let i = 0; i < 200; i += 1) stream.send(framed(encodeDagCbor({ ballot: new Uint8Array(i) })));
    await until('the node gives up', () => testing.node.streamCount() === 0);
    assert.ok(casts < 60, `${casts} of 200 ballots were cast for a peer that takes no answer`);
    await isUnharmed(t, testing);
  });

  it('a peer that leaves between the promise and the receipt leaves nothing behind', async (t) => {
    const service = new FakeService();
    let give: (receipt: string) => void = () => undefined;
    service.onCast = (_, onPromise) => {
      onPromise('a promise');
      return new Promise((resolve) => {
        give = resolve;
      });
    };
    const testing = await testNode(t, service);
    const peer = await RawPeer.dial(t, testing.address);
    const stream = await peer.open(CAST.id);
    stream.send(framed(encodeDagCbor({ ballot: Uint8Array.of(1) })));
    await until('the promise', () => stream.frames().length === 1);
    peer.connection.abort(new Error('gone'));
    await until('it is gone', () => testing.node.connectionCount() === 0);
    give('too late');
    await isUnharmed(t, testing);
  });

  it('a peer that asks for the log and does not read it is cut off, and the service is not read ahead', async (t) => {
    const service = new FakeService();
    service.entryList = Array.from({ length: 200 }, (_, i) => entryOf(i, 100_000));
    let read = 0;
    const entries = service.entries.bind(service);
    service.entries = async function* (from: number, to?: number) {
      for await (const chunk of entries(from, to)) {
        for (const entry of chunk) {
          read += 1;
          yield [entry];
        }
      }
    };
    const testing = await testNode(t, service, { writeMs: 100, slowestBytesPerSecond: 1_000_000 });
    const peer = await RawPeer.dial(t, testing.address);
    const stream = await peer.open(LOG.id);
    stream.stream.pause();
    stream.send(framed(encodeDagCbor({ what: 'entries', from: 0 })));
    await until('the node gives up', () => testing.node.streamCount() === 0);
    assert.ok(read < 60, `${read} of 200 entries were read for a peer that takes none`);
    await isUnharmed(t, testing);
  });

  it('a socket that says nothing, or no libp2p, is closed in time', async (t) => {
    const testing = await testNode(t, new FakeService(), { handshakeMs: 200 });
    for (const bytes of [
      undefined,
      new TextEncoder().encode('GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
      Uint8Array.of(0),
      new Uint8Array(100_000).fill(0xff),
      // Multistream-select, then nothing, then nonsense.
      new TextEncoder().encode('\u0013/multistream/1.0.0\n'),
      new TextEncoder().encode('\u0013/multistream/1.0.0\n\u0007/noise\n'),
      new TextEncoder().encode(`\u0013/multistream/1.0.0\n\u0007/noise\n\u0000\u0020${'x'.repeat(32)}`),
      new TextEncoder().encode('\u0013/multistream/1.0.0\n\u0007/noise\n\u0000\u0001x'),
    ]) {
      const socket = rawSocket(testing.address);
      await once(socket, 'connect');
      if (bytes !== undefined) socket.write(bytes);
      await closed(socket);
    }
    assert.equal(testing.node.connectionCount(), 0);
    await isUnharmed(t, testing);
  });

  it('any bytes on a fresh socket leave the node unharmed', async (t) => {
    const testing = await testNode(t, new FakeService(), { handshakeMs: 100 });
    const opening = fc.constantFrom(
      '',
      '\u0013/multistream/1.0.0\n',
      '\u0013/multistream/1.0.0\n\u0007/noise\n',
    );
    await fc.assert(
      fc.asyncProperty(opening, fc.uint8Array({ maxLength: 200 }), async (start, bytes) => {
        const socket = rawSocket(testing.address);
        await once(socket, 'connect');
        socket.end(Buffer.concat([Buffer.from(start), bytes]));
        await closed(socket);
      }),
      { numRuns: 40 },
    );
    await isUnharmed(t, testing);
  });

  it('any bytes in place of Yamux frames, from a peer that did the handshake, leave the node unharmed', async (t) => {
    const testing = await testNode(t, new FakeService(), { lingerMs: 50 });
    // Version 0; type data, window update, ping or go-away; any flags; few stream ids; lengths small, huge or any.
    const header = fc
      .tuple(
        fc.nat(5),
        fc.nat(15),
        fc.nat(6),
        fc.oneof(fc.nat(20), fc.constantFrom(0xffffffff, 0x7fffffff, 262_144), fc.nat()),
      )
      .map(([type, flags, id, length]) => {
        const bytes = new DataView(new ArrayBuffer(12));
        bytes.setUint8(1, type);
        bytes.setUint16(2, flags);
        bytes.setUint32(4, id);
        bytes.setUint32(8, length);
        return new Uint8Array(bytes.buffer);
      });
    const pieces = fc.array(fc.oneof(header, header, fc.uint8Array({ maxLength: 40 })), {
      minLength: 1,
      maxLength: 12,
    });
    await fc.assert(
      fc.asyncProperty(pieces, async (sent) => {
        const below: MessageStream[] = [];
        const host = await createLibp2p({
          transports: [tcp()],
          connectionEncrypters: [noise()],
          streamMuxers: [() => spyingYamux(below)],
        });
        const connection = await host.dial(multiaddr(testing.address));
        const stream = await connection.newStream(CAST.id);
        stream.send(framed(encodeDagCbor({ ballot: Uint8Array.of(1) })));
        for (const bytes of sent) {
          const [under] = below;
          if (under?.status === 'open') under.send(bytes);
        }
        await new Promise((resolve) => setTimeout(resolve, 5));
        await host.stop();
      }),
      { numRuns: 30 },
    );
    await until('nobody is connected', () => testing.node.connectionCount() === 0);
    await isUnharmed(t, testing);
  });

  it('a connection on which nothing is asked is closed in time, and its client asks again unharmed', async (t) => {
    const testing = await testNode(t, new FakeService(), { idleConnectionMs: 200, idleStreamMs: 100 });
    const client = await testClient(t, testing.address);
    await until('the connection is there', () => testing.node.connectionCount() === 1);
    await until('the connection is closed', () => testing.node.connectionCount() === 0);
    assert.deepEqual(await client.info(), sampleInfo());
  });

  it('more streams than a protocol allows one peer are reset, the others go on', async (t) => {
    const testing = await testNode(t, new FakeService(), { idleStreamMs: 500 });
    const peer = await RawPeer.dial(t, testing.address);
    const opened = await Promise.allSettled(
      Array.from({ length: CAST.maxStreams + 3 }, () => peer.open(CAST.id)),
    );
    const streams = opened.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    for (const { stream } of streams) {
      if (stream.writeStatus === 'writable') stream.send(framed(encodeDagCbor({ ballot: Uint8Array.of(1) })));
    }
    await Promise.all(streams.map(({ ended }) => ended));
    const served = streams.filter((stream) => stream.frames().length === 1);
    assert.equal(served.length, CAST.maxStreams);
    await isUnharmed(t, testing);
  });

  it('peers that vanish in the middle of everything leave nothing behind', async (t) => {
    const service = new FakeService();
    service.entryList = Array.from({ length: 2000 }, (_, i) => entryOf(i, 1000));
    service.onCast = () => new Promise((resolve) => setTimeout(resolve, 20, 'late'));
    const testing = await testNode(t, service);
    for (let i = 0; i < 10; i += 1) {
      const peer = await RawPeer.dial(t, testing.address);
      const log = await peer.open(LOG.id);
      const follow = await peer.open(LOG.id);
      const cast = await peer.open(CAST.id);
      log.send(framed(encodeDagCbor({ what: 'entries', from: 0 })));
      follow.send(framed(encodeDagCbor({ what: 'entries', from: 0, follow: true })));
      cast.send(framed(encodeDagCbor({ ballot: Uint8Array.of(1) })));
      if (i % 2 === 0) await new Promise((resolve) => setTimeout(resolve, 5 * i));
      peer.connection.abort(new Error('gone'));
    }
    await until('nobody is connected', () => testing.node.connectionCount() === 0);
    await until('no follower is left', () => service.listeners.size === 0);
    await isUnharmed(t, testing);
  });
});
