import type { Connection } from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import { multiaddr } from '@multiformats/multiaddr';
import type { Libp2p } from 'libp2p';
import { asError } from '../../base/errors.ts';
import { upgraderOf } from '../host.ts';
import { channelOn } from './channel.ts';
import { RelayFailure, connectRefusal, noRelayThere } from './failure.ts';
import { limitsOf } from './listener.ts';
import { HOP, decodeHop, encodeHop } from './messages.ts';
import { StreamConnection } from './stream-connection.ts';

/**
 * Connects to a peer through a relay that is connected already, and proves that it is the peer. Rejects with `RelayFailure` where
 * the relay refuses, and as libp2p does where somebody does not answer in time or does not complete the handshake.
 */
export async function dialThrough(
  host: Libp2p,
  relay: Connection,
  peerId: string,
  signal: AbortSignal,
): Promise<Connection> {
  const stream = await relay.newStream(HOP, { signal }).catch((error: unknown) => {
    throw error instanceof Error && error.name === 'UnsupportedProtocolError' ? noRelayThere() : error;
  });
  try {
    const channel = channelOn(stream);
    await channel.write(encodeHop({ type: 'connect', peer: peerIdFromString(peerId) }), { signal });
    const answer = await channel.read(decodeHop, { signal });
    if (answer.type !== 'status' || answer.status !== 'ok')
      throw connectRefusal(answer.type === 'status' ? answer.status : undefined);
    const address = multiaddr(`${relay.remoteAddr.toString()}/p2p-circuit/p2p/${peerId}`);
    const through = new StreamConnection(channel.handOver(), address);
    try {
      return await upgraderOf(host).upgradeOutbound(through, { signal, limits: limitsOf(answer.limit) });
    } catch (cause) {
      throw new RelayFailure(
        signal.aborted
          ? 'timed out: the relay says that it has connected, and nobody answered'
          : 'the relay connected to somebody who did not prove to be the peer, or cut the connection',
        { cause },
      );
    }
  } catch (error) {
    stream.abort(asError(error));
    if (error instanceof RelayFailure || signal.aborted) throw error;
    throw new RelayFailure('the relay hung up, or answered what is not understood', { cause: error });
  }
}
