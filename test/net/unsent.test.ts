import assert from 'node:assert/strict';
import { type TestContext, describe, it } from 'node:test';
import { noise } from '@chainsafe/libp2p-noise';
import type { Connection, Listener, MessageStream } from '@libp2p/interface';
import { tcp } from '@libp2p/tcp';
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr';
import { createLibp2p } from 'libp2p';
import { HOP } from '#src/net/circuit/messages.js';
import { reserve } from '#src/net/circuit/reserve.js';
import { FrameError } from '#src/net/frame-parser.js';
import { FrameStream } from '#src/net/frame.js';
import { startServingHost } from '#src/net/host.js';
import { DEADLINES } from '#src/net/limits.js';
import { cleanUp } from '../support/cleanup.ts';
import { testRelay } from './circuit/support.ts';
import { spyingYamux, until } from './support.ts';

const PROTOCOL = '/test/flood/1.0.0';
const PING = Uint8Array.of(0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1);

interface Rude {
  readonly connection: Connection;
  /** Sends so many pings, and reads no answer. */
  readonly ping: (times: number) => Promise<void>;
  readonly stopReading: () => void;
  /** The same peer, by another connection. */
  readonly again: () => Promise<Rude>;
  /** Resolves when the other end has had time to read all that was sent. */
  readonly settled: () => Promise<void>;
  /** Has the other end send what it likes, and reads nothing of it. */
  readonly fillLine: () => Promise<void>;
}

/** A peer that says what it likes below its streams. */
async function rudePeer(t: TestContext, address: Multiaddr[] | Multiaddr): Promise<Rude> {
  const below: MessageStream[] = [];
  const host = await createLibp2p({
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [() => spyingYamux(below)],
    connectionMonitor: { enabled: false },
  });
  cleanUp(t, () => host.stop());
  const connect = async (): Promise<Rude> => {
    const connection = await host.dial(address, { force: true });
    const under = below.at(-1);
    assert.ok(under !== undefined);
    return rudeOn(connection, under, connect);
  };
  return connect();
}

function rudeOn(connection: Connection, under: MessageStream, again: () => Promise<Rude>): Rude {
  return {
    connection,
    again,
    stopReading: () => {
      under.pause();
    },
    fillLine: async () => {
      const stream = await connection.newStream(PROTOCOL);
      stream.addEventListener('message', () => undefined);
      // Credit for ever, on the first stream.
      under.send(Uint8Array.of(0, 1, 0, 0, 0, 0, 0, 1, 0x7f, 0, 0, 0));
      under.pause();
    },
    ping: async (times) => {
      const many = new Uint8Array(PING.length * Math.min(times, 1000));
      for (let at = 0; at < many.length; at += PING.length) many.set(PING, at);
      for (let sent = 0; sent < times && under.status === 'open'; sent += 1000) {
        // Lost with the connection, which is what the test waits for.
        if (!under.send(many.slice())) await under.onDrain().catch(() => undefined);
      }
    },
    settled: async () => {
      // A stream is opened after all that was sent before, or can't be any more.
      await connection.newStream(HOP, { signal: AbortSignal.timeout(1_000) }).catch(() => undefined);
    },
  };
}

describe('peers that send pings and read no answer', () => {
  it('are cut off by a relay by what the answers cost, although they hold a reservation', async (t) => {
    const { relay, address } = await testRelay(t);
    const rude = await rudePeer(t, multiaddr(address));
    await reserve(rude.connection, AbortSignal.timeout(10_000));
    assert.equal(relay.figures().reservations, 1);
    rude.stopReading();
    // Answers of 18 MB, beyond what the kernel takes, of which each costs hundreds of bytes.
    await rude.ping(1_500_000);
    await until('the relay has cut it off', () => relay.figures().reservations === 0);
  });

  it('may have as much wait as any who hold a reservation, when they renew it over another connection', async (t) => {
    const { relay, address } = await testRelay(t);
    const host = await rudePeer(t, multiaddr(address));
    await reserve(host.connection, AbortSignal.timeout(10_000));
    const again = await host.again();
    await reserve(again.connection, AbortSignal.timeout(10_000));
    again.stopReading();
    // Less than such a line may hold, and many times what another one may.
    await again.ping(250_000);
    await again.settled();
    assert.equal(relay.figures().reservations, 1);
    assert.equal(again.connection.status, 'open');
  });

  it('do not fill the memory together: the one is cut on which most waits of what it may', async (t) => {
    const listeners: Listener[] = [];
    const lines: MessageStream[] = [];
    const server = await startServingHost({
      privateKey: undefined,
      listen: ['/ip6/::1/tcp/0'],
      handshakeMs: 10_000,
      maxUnsentBytes: 40_000,
      unsentBudgetBytes: 60_000,
      refuseNewcomers: () => false,
      onListen: (_, { listener }) => listeners.push(listener),
      onSecured: (_, line) => lines.push(line),
    });
    cleanUp(t, () => server.stop());
    // Fills what the kernel takes, so that what is answered after waits here.
    await server.handle(PROTOCOL, async (stream) => {
      const writer = new FrameStream(stream, { maxBytes: 20_000, deadlines: DEADLINES });
      await assert.rejects(async () => {
        for (;;) await writer.write(new Uint8Array(16_000));
      }, FrameError);
    });
    const peers: Rude[] = [];
    for (const pings of [60, 110, 100]) {
      const rude = await rudePeer(
        t,
        listeners.flatMap((listener) => listener.getAddrs()),
      );
      await rude.fillLine();
      const line = lines[peers.length];
      let stuck = 0;
      await until('its line is full', () => (stuck = line?.writableNeedsDrain === true ? stuck + 1 : 0) > 30);
      peers.push(rude);
      assert.equal(server.getConnections().length, peers.length);
      await rude.ping(pings);
    }
    await until('one is cut off', () => server.getConnections().length === 2);
    assert.deepEqual(
      lines.map(({ status }) => status),
      ['open', 'aborted', 'open'],
    );
  });
});
