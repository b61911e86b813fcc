import type { Connection, PeerId, Stream } from '@libp2p/interface';
import type { Libp2p } from 'libp2p';
import { asError } from '../../base/errors.ts';
import { upgraderOf } from '../host.ts';
import { RELAY_CONNECT_MS, RELAY_LIMITS } from '../limits.ts';
import { BadMessage, channelOn } from './channel.ts';
import { type Limit, STOP, decodeStop, encodeStop } from './messages.ts';
import { StreamConnection } from './stream-connection.ts';

/**
 * Takes connections that come through relays: from relays alone that `isRelay` says this peer asked, or anybody who connects
 * could have it deal with peers that are behind them. What comes is encrypted end to end by who asked the relay, and must prove to be them.
 */
export async function takeRelayedConnections(
  host: Libp2p,
  isRelay: (peer: PeerId) => boolean,
): Promise<void> {
  await host.handle(
    STOP,
    async (stream: Stream, relay: Connection) => {
      try {
        if (!isRelay(relay.remotePeer)) throw new Error('no relay of ours');
        await take(host, stream, relay);
      } catch (error) {
        // The relay's doing or that of the peer behind it: nothing of it is kept, and whoever wants to connect tries again.
        stream.abort(asError(error));
      }
    },
    { maxInboundStreams: RELAY_LIMITS.relayedPerPeer },
  );
}

async function take(host: Libp2p, stream: Stream, relay: Connection): Promise<void> {
  const signal = AbortSignal.timeout(RELAY_CONNECT_MS);
  const channel = channelOn(stream);
  const answer = (status: 'ok' | 'malformed-message' | 'unexpected-message') =>
    channel.write(encodeStop({ type: 'status', status }), { signal });
  let request;
  try {
    request = await channel.read(decodeStop, { signal });
  } catch (error) {
    if (error instanceof BadMessage) await answer('malformed-message');
    throw error;
  }
  if (request.type !== 'connect') {
    await answer('unexpected-message');
    throw new Error('a status was sent where a connection is to be offered');
  }
  await answer('ok');
  const address = relay.remoteAddr.encapsulate(`/p2p-circuit/p2p/${request.peer.toString()}`);
  const connection = new StreamConnection(channel.handOver(), address);
  // libp2p's own deadline for handshakes applies as well.
  const options = { signal: AbortSignal.timeout(RELAY_CONNECT_MS), limits: limitsOf(request.limit) };
  await upgraderOf(host).upgradeInbound(connection, options);
}

/** As libp2p keeps them; what the relay says of it is taken for what it is worth. */
export function limitsOf(limit: Limit | undefined): { readonly bytes?: bigint; readonly seconds?: number } {
  if (limit === undefined) return {};
  return {
    ...(limit.bytes > 0 ? { bytes: BigInt(limit.bytes) } : {}),
    ...(limit.seconds > 0 ? { seconds: limit.seconds } : {}),
  };
}
