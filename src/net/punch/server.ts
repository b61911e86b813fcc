import type { Connection } from '@libp2p/interface';
import type { Libp2p } from 'libp2p';
import { PeerRefusal } from '../../services/ports.ts';
import { deadlineAfter } from '../deadline.ts';
import { upgraderOf } from '../host.ts';
import { MAX_PUNCHING, PUNCHES_PER_CONNECTION, PUNCH_ANSWERED_MS } from '../limits.ts';
import type { ProtocolServer } from '../protocol.ts';
import { Attempt } from './attempt.ts';
import { PUNCH, type PunchRequest, punchRequestSchema } from './constants.ts';
import type { Description } from './description.ts';
import type { NativeWebRtc, StunServer } from './native.ts';

export interface PuncherInit {
  readonly host: Libp2p;
  readonly native: NativeWebRtc;
  readonly stun: readonly StunServer[];
}

/** Helps peers that come through a relay to a direct way. */
export class PunchServer {
  readonly #init: PuncherInit;
  readonly #attempts = new Set<Attempt>();
  readonly #made = new WeakMap<Connection, number>();
  readonly #stopping = new AbortController();

  constructor(init: PuncherInit) {
    this.#init = init;
  }

  /** Serves one stream of a connection. */
  on(connection: Connection): ProtocolServer<PunchRequest> {
    return {
      spec: PUNCH,
      request: punchRequestSchema,
      answer: async ({ offer }, call) => {
        await call.send({ answer: await this.#answer(connection, offer) });
      },
    };
  }

  /** Ends what is being tried; connections that were made are libp2p's. */
  stop(): void {
    this.#stopping.abort(new Error('the node is stopping'));
  }

  async #answer(connection: Connection, offer: Description): Promise<Description> {
    const made = (this.#made.get(connection) ?? 0) + 1;
    // Who is connected directly needs no other way, and could have this computer send packets without a relay's leave.
    if (connection.limits === undefined || made > PUNCHES_PER_CONNECTION)
      throw new PeerRefusal('malformed', 'A direct way is made once, for a connection through a relay.');
    if (this.#attempts.size >= MAX_PUNCHING)
      throw new PeerRefusal('busy', 'Too many direct ways are being tried now.');
    this.#made.set(connection, made);
    const { native, stun, host } = this.#init;
    const attempt = new Attempt({
      native,
      stun,
      direction: 'inbound',
      log: host.logger.forComponent('psephos:punch'),
    });
    this.#attempts.add(attempt);
    const deadline = deadlineAfter(PUNCH_ANSWERED_MS, 'no way was found in time', this.#stopping.signal);
    const { signal } = deadline;
    try {
      const answer = await attempt.answer(offer, signal);
      void this.#take(attempt, connection, signal).finally(deadline.clear);
      return answer;
    } catch {
      // Of the shape that it should have, and yet refused by what knows more of it.
      deadline.clear();
      this.#end(attempt);
      throw signal.aborted
        ? new PeerRefusal('busy', 'This node could not find out where it is seen.')
        : new PeerRefusal('malformed', 'The native code can make nothing of this offer.');
    }
  }

  /** Makes a connection of the way, once it is found. */
  async #take(attempt: Attempt, { remotePeer }: Connection, signal: AbortSignal): Promise<void> {
    try {
      const channel = await attempt.opened(signal);
      // Who came through the relay must prove to be at this end too.
      channel.remoteAddr = channel.remoteAddr.encapsulate(`/p2p/${remotePeer.toString()}`);
      await upgraderOf(this.#init.host).upgradeInbound(channel, { signal });
      this.#attempts.delete(attempt);
    } catch {
      // Often there is no way, and the peer stays with the relay; or it did not prove to be who it was.
      this.#end(attempt);
    }
  }

  #end(attempt: Attempt): void {
    this.#attempts.delete(attempt);
    attempt.close();
  }
}
