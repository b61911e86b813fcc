import { lpStream } from '@libp2p/utils';
import type { Connection } from '@libp2p/interface';
import type { Libp2p } from 'libp2p';
import { mayMean } from '../addresses.ts';
import { deadlineAfter } from '../deadline.ts';
import { dialTarget } from '../dial.ts';
import { KAD_ANSWER_BYTES, LOOKUP_PEER_MS, MAX_STREAMS_PER_CONNECTION } from '../limits.ts';
import { KAD } from './protocol.ts';
import {
  type Answer,
  type Question,
  type SaidPeer,
  decodeAnswer,
  encodeProvider,
  encodeQuestion,
} from './messages.ts';
import type { Ask } from './search.ts';

/**
 * Asks over a connection of its own for each peer, which must be the one that it is said to be. Of what it answers, addresses that are of
 * use in one network alone count where the peer itself was reached in such a one, or those at `known` are in such a one: else they
 * mean another machine here, and nobody is to have that one dialled.
 */
export function askOver(
  host: Libp2p,
  question: Question,
  known: readonly string[],
  signal: AbortSignal,
): Ask {
  const message = encodeQuestion(question);
  return async (peer) => {
    const { signal: limit, clear } = deadlineAfter(LOOKUP_PEER_MS, 'no answer', signal);
    let connection;
    try {
      const dialled = await dialTarget(host, peer, { timeoutMs: LOOKUP_PEER_MS, signal: limit });
      connection = dialled.connection;
      const { frames } = await open(connection, limit);
      await frames.write(message, { signal: limit });
      const answer = decodeAnswer((await frames.read({ signal: limit })).subarray());
      return answer.ok ? within(answer.value, [...known, dialled.address]) : undefined;
    } catch {
      // Whatever is wrong with it, others are asked: what somebody says of somebody else is a hint, and no more.
      return undefined;
    } finally {
      clear();
      connection?.abort(new Error('it has been asked'));
    }
  };
}

function within({ closer, providers }: Answer, known: readonly string[]): Answer {
  const only = (peers: readonly SaidPeer[]) =>
    peers.map(({ peerId, addresses }) => ({
      peerId,
      addresses: addresses.filter((address) => mayMean(address, known)),
    }));
  return { closer: only(closer), providers: only(providers) };
}

/** Tells the peer at the other end where `self` is, and which election it serves, if any. Rejects as libp2p does. */
export async function tellOn(
  connection: Connection,
  electionId: string | undefined,
  self: SaidPeer,
  signal: AbortSignal,
): Promise<void> {
  const { stream, frames } = await open(connection, signal);
  // Who gets a request asks who sends it, and where that is.
  const message =
    electionId === undefined ? encodeQuestion({ peer: self.peerId }) : encodeProvider(electionId, self);
  await frames.write(message, { signal });
  if (electionId === undefined) await frames.read({ signal });
  await stream.close({ signal });
}

async function open(connection: Connection, signal: AbortSignal) {
  const stream = await connection.newStream(KAD, {
    signal,
    maxOutboundStreams: MAX_STREAMS_PER_CONNECTION,
    runOnLimitedConnection: true,
  });
  const frames = lpStream(stream, { maxDataLength: KAD_ANSWER_BYTES, maxBufferSize: KAD_ANSWER_BYTES });
  return { stream, frames };
}
