import type { Connection } from '@libp2p/interface';
import type { Libp2p } from 'libp2p';
import * as z from 'zod';
import { decodeDagCbor, encodeDagCbor } from '../../base/dag-cbor.ts';
import { deadlineAfter } from '../deadline.ts';
import { FrameError } from '../frame-parser.ts';
import { FrameStream } from '../frame.ts';
import { upgraderOf } from '../host.ts';
import { DEADLINES, PUNCH_MS } from '../limits.ts';
import { errorAnswerSchema } from '../wire-errors.ts';
import { Attempt, PunchFailure } from './attempt.ts';
import { PUNCH, punchAnswerSchema } from './constants.ts';
import type { Description } from './description.ts';
import type { NativeWebRtc, StunServer } from './native.ts';

const envelopeSchema = z.union([z.strictObject({ ok: punchAnswerSchema }), errorAnswerSchema]);

/** Looks for direct ways to peers that were reached through relays. */
export class Puncher {
  readonly #native: NativeWebRtc;
  readonly #stun: readonly StunServer[];

  constructor(native: NativeWebRtc, stun: readonly StunServer[]) {
    this.#native = native;
    this.#stun = stun;
  }

  /**
   * A direct connection to the peer at the other end of one through a relay, proven to be the same peer, within PUNCH_MS. Rejects with
   * `PunchFailure`, which says why there is none; the connection through the relay is as good as before.
   */
  async punch(host: Libp2p, relayed: Connection, ended: AbortSignal): Promise<Connection> {
    const { signal, clear } = deadlineAfter(PUNCH_MS, 'no way was found in time', ended);
    const attempt = new Attempt({
      native: this.#native,
      stun: this.#stun,
      direction: 'outbound',
      log: host.logger.forComponent('psephos:punch'),
    });
    try {
      const offer = await attempt.offer(signal);
      if (offer.candidates.length === 0) throw new PunchFailure(this.#unseen());
      const answer = await ask(relayed, offer, signal);
      if (answer.candidates.length === 0) throw new PunchFailure('the peer does not know where it is seen');
      attempt.accept(answer);
      const channel = await attempt.opened(signal);
      channel.remoteAddr = channel.remoteAddr.encapsulate(`/p2p/${relayed.remotePeer.toString()}`);
      return await upgraderOf(host).upgradeOutbound(channel, { signal });
    } catch (error) {
      attempt.close();
      throw failureOf(error, signal);
    } finally {
      clear();
    }
  }

  #unseen(): string {
    return this.#stun.length === 0
      ? 'no address of this computer is public, and no STUN server is named (--stun)'
      : 'no STUN server says where this computer is seen';
  }
}

async function ask(relayed: Connection, offer: Description, signal: AbortSignal): Promise<Description> {
  const stream = await relayed.newStream(PUNCH.id, { signal, runOnLimitedConnection: true });
  const frames = new FrameStream(stream, { maxBytes: PUNCH.maxAnswerBytes, deadlines: DEADLINES });
  try {
    await frames.write(encodeDagCbor({ offer }));
    const bytes = await frames.read(PUNCH_MS);
    const decoded = bytes === undefined ? undefined : decodeDagCbor(bytes, PUNCH.maxAnswerBytes);
    const envelope = envelopeSchema.safeParse(decoded?.ok === true ? decoded.value : undefined);
    if (!envelope.success) throw new PunchFailure('the peer answered what is not understood');
    if ('error' in envelope.data) throw new PunchFailure(`the peer refuses: ${envelope.data.error.message}`);
    return envelope.data.ok.answer;
  } finally {
    frames.abort(new Error('all is said'));
  }
}

function failureOf(error: unknown, signal: AbortSignal): PunchFailure {
  if (error instanceof PunchFailure) return error;
  if (signal.aborted) return new PunchFailure('no packet got through in time', { cause: error });
  if (error instanceof Error && error.name === 'UnsupportedProtocolError')
    return new PunchFailure('the peer does not offer it', { cause: error });
  const why =
    error instanceof FrameError
      ? 'the relay or the peer hung up'
      : 'the way that was found led to nobody who proved to be the peer';
  return new PunchFailure(why, { cause: error });
}
