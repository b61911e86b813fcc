import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { noise } from '@chainsafe/libp2p-noise';
import { YamuxStream } from '@chainsafe/libp2p-yamux/stream';
import type { Connection, Listener, MessageStream, Stream } from '@libp2p/interface';
import { tcp } from '@libp2p/tcp';
import fc from 'fast-check';
import { type Libp2p, createLibp2p } from 'libp2p';
import { concatBytes } from '#src/base/bytes.js';
import { FrameError } from '#src/net/frame-parser.js';
import { FrameStream } from '#src/net/frame.js';
import { startClientHost, startServingHost } from '#src/net/host.js';
import { MemoryBudget } from '#src/net/memory-budget.js';
import { framed, spyingYamux, until } from './support.js';

const MAX = 1000;
const PROTOCOL = '/test/frames/1.0.0';
const quick = { requestMs: 100, writeMs: 100, lingerMs: 100, slowestBytesPerSecond: 100_000 };
const patient = { requestMs: 20_000, writeMs: 20_000, lingerMs: 20_000, slowestBytesPerSecond: 100_000 };

describe('frames on a libp2p stream', () => {
  const hosts: Libp2p[] = [];
  let connection: Connection;
  let accepted: (stream: Stream) => void;

  before(async () => {
    const listeners: Listener[] = [];
    const server = await startServingHost({
      privateKey: undefined,
      listen: ['/ip6/::1/tcp/0'],
      handshakeMs: 10_000,
      refuseNewcomers: () => false,
      onListen: (_, { listener }) => listeners.push(listener),
    });
    await server.handle(PROTOCOL, (stream) => {
      accepted(stream);
    });
    const client = await startClientHost(10_000);
    hosts.push(client, server);
    connection = await client.dial(listeners.flatMap((listener) => listener.getAddrs()));
  });

  after(async () => {
    for (const host of hosts) await host.stop();
  });

  /** The two ends of a new stream. */
  async function pair(): Promise<[Stream, Stream]> {
    const remote = new Promise<Stream>((resolve) => (accepted = resolve));
    const local = await connection.newStream(PROTOCOL);
    return [local, await remote];
  }

  async function rejectsWith(problem: string, promise: Promise<unknown>): Promise<void> {
    await assert.rejects(promise, (error) => {
      assert.ok(error instanceof FrameError, String(error));
      assert.equal(error.problem, problem);
      return true;
    });
  }

  it('arrive whole and in order however their bytes are cut up', async () => {
    const payloads = fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), {
      minLength: 1,
      maxLength: 8,
    });
    const cuts = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(payloads, cuts, fc.boolean(), async (sent, sizes, readFirst) => {
        const [local, remote] = await pair();
        const frames = new FrameStream(remote, { maxBytes: MAX, deadlines: patient });
        const received: Uint8Array[] = [];
        const reading = async (): Promise<void> => {
          for (
            let frame = await frames.read(20_000);
            frame !== undefined;
            frame = await frames.read(20_000)
          ) {
            received.push(frame);
          }
        };
        const early = readFirst ? reading() : undefined;
        const bytes = concatBytes(...sent.map(framed));
        for (let at = 0, i = 0; at < bytes.length; i += 1) {
          const size = sizes[i % sizes.length] as number;
          local.send(bytes.slice(at, at + size));
          at += size;
          if (i % 3 === 0) await new Promise(setImmediate);
        }
        const closed = local.close();
        await (early ?? reading());
        await frames.close();
        await closed;
        assert.deepEqual(received, sent);
      }),
      { numRuns: 40 },
    );
    await until('all streams are gone', () => connection.streams.length === 0);
  });

  it('of every length from 1 to the most come through, and none longer', async () => {
    const [local, remote] = await pair();
    const sender = new FrameStream(local, { maxBytes: MAX, deadlines: patient });
    const frames = new FrameStream(remote, { maxBytes: 20_000, deadlines: patient });
    for (const length of [1, 2, 126, 127, 128, 129, 255, 256, 16_383, 16_384, 16_385, 20_000]) {
      await sender.write(new Uint8Array(length).fill(7));
      assert.deepEqual(await frames.read(20_000), new Uint8Array(length).fill(7));
    }
    await sender.write(new Uint8Array(20_001));
    await rejectsWith('too-large', frames.read(20_000));
    frames.abort(new Error('done'));
  });

  const bad: readonly [string, string, Uint8Array][] = [
    ['an empty frame', 'malformed', Uint8Array.of(0)],
    ['a length that is not in its shortest form', 'malformed', Uint8Array.of(0x85, 0x00, 1, 2, 3, 4, 5)],
    ['a length of more than three bytes', 'too-large', Uint8Array.of(0x80, 0x80, 0x80, 0x01)],
    ['a length above the limit, before any of its bytes', 'too-large', Uint8Array.of(0xe9, 0x07)],
    ['a frame cut short', 'truncated', framed(new Uint8Array(50)).subarray(0, 30)],
    ['a prefix cut short', 'truncated', Uint8Array.of(0x81)],
  ];
  for (const [what, problem, bytes] of bad) {
    it(`${what} is ${problem}`, async () => {
      const [local, remote] = await pair();
      const frames = new FrameStream(remote, { maxBytes: MAX, deadlines: patient });
      local.send(concatBytes(framed(Uint8Array.of(1)), bytes));
      if (problem === 'truncated') await local.close();
      assert.deepEqual(await frames.read(20_000), Uint8Array.of(1));
      await rejectsWith(problem, frames.read(20_000));
      await rejectsWith(problem, frames.read(20_000));
      frames.abort(new Error('done'));
    });
  }

  it('a peer that says nothing, and one that stops inside a frame, are waited for no longer than said', async () => {
    for (const beginning of [[], [0x81], [50], [50, 1, 2, 3]]) {
      const [local, remote] = await pair();
      const frames = new FrameStream(remote, { maxBytes: MAX, deadlines: quick });
      if (beginning.length > 0) local.send(Uint8Array.from(beginning));
      await rejectsWith('timed-out', frames.read(100));
      frames.abort(new Error('done'));
    }
  });

  it('a frame that drips in byte by byte is not waited for for ever', async () => {
    const [local, remote] = await pair();
    const frames = new FrameStream(remote, { maxBytes: MAX, deadlines: quick });
    local.send(framed(new Uint8Array(500)).subarray(0, 3));
    const drip = setInterval(() => {
      if (local.writeStatus === 'writable') local.send(Uint8Array.of(1));
    }, 20);
    await rejectsWith('timed-out', frames.read(100));
    clearInterval(drip);
    frames.abort(new Error('done'));
  });

  it('a reset stream is closed for its reader, after the frames that came before', async () => {
    const [local, remote] = await pair();
    const frames = new FrameStream(remote, { maxBytes: MAX, deadlines: patient });
    local.send(framed(Uint8Array.of(1)));
    assert.deepEqual(await frames.read(20_000), Uint8Array.of(1));
    const reading = frames.read(20_000);
    local.abort(new Error('gone'));
    await rejectsWith('closed', reading);
    await rejectsWith('closed', frames.write(Uint8Array.of(1)));
  });

  it('a peer that does not read stalls its writer, who holds little and lets go in the end', async () => {
    const [local, remote] = await pair();
    const writer = new FrameStream(remote, { maxBytes: MAX, deadlines: quick });
    // Someone must listen, or libp2p takes everything in; paused, it stops granting credit.
    local.addEventListener('message', () => undefined);
    local.pause();
    let written = 0;
    const writing = (async () => {
      for (; written < 10_000; written += 1) await writer.write(new Uint8Array(1000));
    })();
    await rejectsWith('stalled', writing);
    // What a client's window may grow to; it is the client that holds it.
    assert.ok(written * 1000 <= 2 * 1024 * 1024, `${written} frames of 1,000 bytes were taken`);
    assert.ok(remote.writeBufferLength <= 2000);
    writer.abort(new Error('stalled'));
    assert.equal(remote.writeBufferLength, 0);
  });

  it('a writer waits for a slow reader and loses nothing', async () => {
    const [local, remote] = await pair();
    const writer = new FrameStream(remote, { maxBytes: MAX, deadlines: patient });
    const reader = new FrameStream(local, { maxBytes: 100_000, deadlines: patient });
    const writing = (async () => {
      for (let i = 0; i < 100; i += 1) await writer.write(new Uint8Array(50_000).fill(i));
      await writer.close();
    })();
    for (let i = 0; i < 100; i += 1) {
      if (i % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 20));
      const frame = await reader.read(20_000);
      assert.deepEqual(frame, new Uint8Array(50_000).fill(i));
    }
    assert.equal(await reader.read(20_000), undefined);
    await reader.close();
    await writing;
  });

  it('a peer ahead of its reader is held to one window', async () => {
    const [local, remote] = await pair();
    const frames = new FrameStream(remote, { maxBytes: 20_000, deadlines: patient });
    const ahead = new FrameStream(local, { maxBytes: MAX, deadlines: quick });
    const flooding = (async () => {
      for (;;) await ahead.write(new Uint8Array(10_000));
    })();
    await rejectsWith('stalled', flooding);
    assert.ok(remote.readBufferLength <= 256 * 1024);
    ahead.abort(new Error('stalled'));
    frames.abort(new Error('done'));
  });

  it('the peer is told of room when half a window is used up, and not for each frame', async () => {
    const [local, remote] = await pair();
    const reader = new FrameStream(remote, { maxBytes: 20_000, deadlines: patient });
    const writer = new FrameStream(local, { maxBytes: MAX, deadlines: patient });
    const exchange = async (frames: number): Promise<void> => {
      for (let i = 0; i < frames; i++) {
        await writer.write(new Uint8Array(10_000));
        assert.equal((await reader.read(20_000))?.length, 10_000);
      }
    };
    // The stream itself is acknowledged by then.
    await exchange(1);
    assert.ok(local instanceof YamuxStream);
    let told = 0;
    const handle = local.handleWindowUpdate.bind(local);
    local.handleWindowUpdate = (frame) => {
      told += 1;
      handle(frame);
    };
    await exchange(12);
    assert.equal(told, 0);
    await exchange(108);
    // 1.2 MB in steps of 14 frames.
    await until('the last step is told', () => told >= 8);
    assert.equal(told, 8);
    writer.abort(new Error('done'));
    reader.abort(new Error('done'));
  });

  it('count against the budget for what came of them, until the next read or the end of the stream', async () => {
    const budget = new MemoryBudget(100_000);
    const [local, remote] = await pair();
    const frames = new FrameStream(remote, { maxBytes: 70_000, deadlines: patient, budget });
    const left = (): number => {
      let free = 0;
      while (budget.tryTake(1000)) free += 1000;
      budget.release(free);
      return free;
    };
    local.send(framed(new Uint8Array(60_000)).subarray(0, 10));
    const reading = frames.read(20_000);
    // A length alone claims little: announced and not sent, a few frames would otherwise hold all there is.
    await until('the announced frame is counted', () => left() === 83_000);
    local.send(framed(new Uint8Array(60_000)).subarray(10));
    assert.equal((await reading)?.length, 60_000);
    assert.equal(left(), 40_000);

    const [other, otherRemote] = await pair();
    const refused = new FrameStream(otherRemote, { maxBytes: 70_000, deadlines: patient, budget });
    other.send(framed(new Uint8Array(50_000)));
    await rejectsWith('busy', refused.read(20_000));
    refused.abort(new Error('busy'));
    assert.equal(left(), 40_000);

    // A small request costs its objects, not its bytes; many in a row don't add up.
    for (let i = 0; i < 50; i += 1) {
      local.send(framed(Uint8Array.of(1)));
      await frames.read(20_000);
      assert.equal(left(), 83_000);
    }
    local.send(concatBytes(...Array.from({ length: 50 }, () => framed(Uint8Array.of(1)))));
    for (let i = 0; i < 50; i += 1) await frames.read(20_000);
    local.send(framed(new Uint8Array(60_000)).subarray(0, 10));
    void frames.read(20_000).catch(() => undefined);
    await until('the next one is counted', () => left() === 83_000);
    frames.abort(new Error('done'));
    assert.equal(left(), 100_000);
  });

  it('a peer that floods its connection with pings and reads no answer is cut off', async () => {
    const listeners: Listener[] = [];
    const server = await startServingHost({
      privateKey: undefined,
      listen: ['/ip6/::1/tcp/0'],
      handshakeMs: 10_000,
      maxUnsentBytes: 20_000,
      refuseNewcomers: () => false,
      onListen: (_, { listener }) => listeners.push(listener),
    });
    // Fills what the kernel takes, so that the flood need not.
    await server.handle(PROTOCOL, async (stream) => {
      const writer = new FrameStream(stream, { maxBytes: MAX, deadlines: patient });
      await assert.rejects(async () => {
        for (;;) await writer.write(new Uint8Array(100_000));
      }, FrameError);
    });
    const below: MessageStream[] = [];
    const client = await createLibp2p({
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [() => spyingYamux(below)],
    });
    hosts.push(client, server);
    const own = await client.dial(listeners.flatMap((listener) => listener.getAddrs()));
    const stream = await own.newStream(PROTOCOL);
    // Grants credit for ever, and then reads nothing at all.
    stream.addEventListener('message', () => undefined);
    const [under] = below;
    assert.ok(under !== undefined);
    const credit = Uint8Array.of(0, 1, 0, 0, 0, 0, 0, 1, 0x7f, 0, 0, 0);
    under.send(credit);
    under.pause();
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.equal(server.getConnections().length, 1);
    const ping = Uint8Array.of(0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1);
    for (let i = 0; i < 200 && server.getConnections().length === 1; i += 1) {
      for (let j = 0; j < 20; j += 1) if (under.status === 'open') under.send(ping);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await until('the node cuts the connection', () => server.getConnections().length === 0);
  });

  it('closing waits for the peer to end its half, and resets a peer that does not', async () => {
    const [polite, politeRemote] = await pair();
    const first = new FrameStream(politeRemote, { maxBytes: MAX, deadlines: patient });
    polite.addEventListener('remoteCloseWrite', () => void polite.close());
    await first.close();
    assert.equal(politeRemote.status, 'closed');
    const [, deafRemote] = await pair();
    const second = new FrameStream(deafRemote, { maxBytes: MAX, deadlines: quick });
    await second.close();
    assert.equal(deafRemote.status, 'aborted');
  });

  it('stopReading ends a wait for a frame to begin, not one for a frame to end', async () => {
    const [local, remote] = await pair();
    const frames = new FrameStream(remote, { maxBytes: MAX, deadlines: patient });
    local.send(framed(Uint8Array.of(1, 2, 3)).subarray(0, 2));
    const reading = frames.read(20_000);
    await new Promise((resolve) => setTimeout(resolve, 50));
    frames.stopReading();
    local.send(Uint8Array.of(2, 3));
    assert.deepEqual(await reading, Uint8Array.of(1, 2, 3));
    assert.equal(await frames.read(20_000), undefined);
    frames.abort(new Error('done'));
  });
});
