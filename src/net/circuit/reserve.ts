import type { Connection } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import { RELAY_ADDRESSES } from '../limits.ts';
import { channelOn } from './channel.ts';
import { RelayFailure, noRelayThere, reserveRefusal } from './failure.ts';
import { HOP, decodeHop, encodeHop } from './messages.ts';

/**
 * Asks the relay at the other end for a reservation, or renews it. Resolves to the multiaddrs that the relay says it has, of which
 * nothing is known. Rejects with `RelayFailure` for a refusal, and as libp2p does
 * where the signal aborts before it answers.
 */
export async function reserve(relay: Connection, signal: AbortSignal): Promise<string[]> {
  const stream = await relay.newStream(HOP, { signal }).catch((error: unknown) => {
    throw error instanceof Error && error.name === 'UnsupportedProtocolError' ? noRelayThere() : error;
  });
  try {
    const channel = channelOn(stream);
    await channel.write(encodeHop({ type: 'reserve' }), { signal });
    const answer = await channel.read(decodeHop, { signal });
    if (answer.type !== 'status' || answer.status !== 'ok' || answer.reservation === undefined)
      throw reserveRefusal(answer.type === 'status' && answer.status !== 'ok' ? answer.status : undefined);
    return answer.reservation.addresses.slice(0, RELAY_ADDRESSES).flatMap(textOf);
  } catch (error) {
    if (error instanceof RelayFailure || signal.aborted) throw error;
    throw new RelayFailure('the relay hung up, or answered what is not understood', { cause: error });
  } finally {
    // Closed by one end alone it would stay, one for each renewal, for as long as the relay likes.
    stream.abort(new Error('all is said'));
  }
}

function textOf(bytes: Uint8Array): string[] {
  try {
    return [multiaddr(bytes).toString()];
  } catch {
    // What the relay says besides is of use all the same.
    return [];
  }
}
