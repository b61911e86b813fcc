import { generateKeyPair } from '@libp2p/crypto/keys';
import type { Connection } from '@libp2p/interface';
import { lpStream } from '@libp2p/utils';
import { multiaddr } from '@multiformats/multiaddr';
import type { Libp2p } from 'libp2p';
import { startClientHost, startServingHost } from '#src/net/host.js';

/** The yardstick of the network benches: length-prefixed messages sent back as they came, on the node's own libp2p set-up. */
const ECHO = '/psephos-bench/echo/1.0.0';
const TIMEOUT_MS = 60_000;
const MAX_STREAMS = 32;

export async function serveEcho(): Promise<{ readonly address: string; stop(): Promise<void> }> {
  const host = await startServingHost({
    privateKey: await generateKeyPair('Ed25519'),
    listen: ['/ip6/::1/tcp/0'],
    handshakeMs: TIMEOUT_MS,
    refuseNewcomers: () => false,
    onListen: () => undefined,
  });
  await host.handle(
    ECHO,
    async (stream) => {
      const frames = lpStream(stream);
      try {
        for (;;) await frames.write(await frames.read());
      } catch {
        // The client closed the stream, which is how each echo ends.
        stream.abort(new Error('closed'));
      }
    },
    { maxInboundStreams: MAX_STREAMS },
  );
  return {
    address: host.getMultiaddrs()[0]?.toString() ?? '',
    stop: async () => {
      await host.stop();
    },
  };
}

export interface RawClient {
  /** Sends a message and waits for the last one of those that come back. */
  round(bytes: Uint8Array): Promise<Uint8Array>;
  stop(): Promise<void>;
}

/**
 * One standing connection with one stream, on a host of its own, that looks into no message: a voter's own work is done on the
 * voter's machine, and would only hide what the node can take.
 */
export async function dialRaw(
  address: string,
  protocol: string = ECHO,
  isLast: (answer: Uint8Array) => boolean = () => true,
): Promise<RawClient> {
  const host: Libp2p = await startClientHost(TIMEOUT_MS);
  const connection: Connection = await host.dial(multiaddr(address));
  const frames = lpStream(await connection.newStream(protocol));
  return {
    round: async (bytes) => {
      await frames.write(bytes);
      for (;;) {
        const answer = (await frames.read()).subarray();
        if (isLast(answer)) return answer;
      }
    },
    stop: async () => {
      await host.stop();
    },
  };
}
