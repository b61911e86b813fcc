import type { Logger } from '@libp2p/interface';
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr';
import { asError } from '../../base/errors.ts';
import { GATHER_MS } from '../limits.ts';
import { CHANNEL_MESSAGE_BYTES, ChannelConnection } from './channel-connection.ts';
import { type Description, describe, sessionOf } from './description.ts';
import type { NativeChannel, NativePeer, NativeWebRtc, StunServer } from './native.ts';

export interface AttemptInit {
  readonly native: NativeWebRtc;
  readonly stun: readonly StunServer[];
  readonly log: Logger;
  readonly direction: 'inbound' | 'outbound';
}

/** No way was found; the message says why, for people. */
export class PunchFailure extends Error {
  override readonly name = 'PunchFailure';
}

/**
 * One attempt at a direct way between two peers that can talk through a relay: each learns where it is seen, they tell each other, and
 * both send until packets of both get through (ICE, RFC 8445).
 */
export class Attempt {
  readonly #peer: NativePeer;
  readonly #init: AttemptInit;
  readonly #opened: Promise<ChannelConnection>;
  #open: (connection: ChannelConnection) => void = () => undefined;
  #fail: (error: Error) => void = () => undefined;
  #channel: NativeChannel | undefined;

  constructor(init: AttemptInit) {
    this.#init = init;
    this.#opened = new Promise((resolve, reject) => {
      this.#open = resolve;
      this.#fail = reject;
    });
    // Whoever waits for it is told; nobody has to.
    this.#opened.catch(() => undefined);
    this.#peer = new init.native.PeerConnection('psephos', {
      iceServers: init.stun,
      maxMessageSize: CHANNEL_MESSAGE_BYTES,
    });
    this.#peer.onStateChange((state) => {
      if (state === 'failed' || state === 'closed') this.#fail(new PunchFailure('no packet got through'));
    });
  }

  /** Where this end may be found, for the one that answers. */
  async offer(signal: AbortSignal): Promise<Description> {
    const channel = this.#peer.createDataChannel('psephos');
    this.#channel = channel;
    // The native code lets go of a channel only when it can tell that it is closed.
    channel.onClosed(() => undefined);
    channel.onOpen(() => {
      this.#use(channel);
    });
    await this.#gathered(signal);
    return this.#description();
  }

  /** Takes an offer, and begins to send; where this end may be found. */
  async answer(offer: Description, signal: AbortSignal): Promise<Description> {
    this.#peer.onDataChannel((channel) => {
      if (this.#channel !== undefined) {
        // One is agreed on. Who opens more wants to fill the memory.
        channel.onClosed(() => undefined);
        channel.close();
        this.close();
        return;
      }
      this.#channel = channel;
      this.#use(channel);
    });
    this.#peer.setRemoteDescription(sessionOf(offer, 'offer'), 'offer');
    await this.#gathered(signal);
    return this.#description();
  }

  /** Takes the answer to the offer, and begins to send. */
  accept(answer: Description): void {
    this.#peer.setRemoteDescription(sessionOf(answer, 'answer'), 'answer');
  }

  /** The way that was found. Rejects with `PunchFailure`, or the signal's reason. */
  async opened(signal: AbortSignal): Promise<ChannelConnection> {
    signal.throwIfAborted();
    const stop = (): void => {
      this.#fail(signal.reason as Error);
    };
    signal.addEventListener('abort', stop);
    try {
      return await this.#opened;
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  /** Gives up; a connection that came of it ends too. */
  close(): void {
    // Before the peer, or a channel that never opened would keep the process from ending.
    this.#channel?.close();
    this.#peer.close();
  }

  #use(channel: NativeChannel): void {
    try {
      // At once: what arrives before somebody listens would be lost.
      this.#open(
        new ChannelConnection(channel, this.#peer, {
          remoteAddr: this.#remoteAddress(),
          direction: this.#init.direction,
          log: this.#init.log,
        }),
      );
    } catch (error) {
      // Called from native code: nobody else would hear of it.
      this.#fail(asError(error));
    }
  }

  #remoteAddress(): Multiaddr {
    const remote = this.#peer.getSelectedCandidatePair()?.remote;
    if (remote === undefined) throw new PunchFailure('the way that was found is lost again');
    const family = remote.address.includes(':') ? 'ip6' : 'ip4';
    return multiaddr(`/${family}/${remote.address}/udp/${remote.port}/webrtc`);
  }

  /** Resolves when all servers have said where this end is seen, or have had the time to. */
  async #gathered(signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, GATHER_MS);
      signal.addEventListener('abort', done);
      this.#peer.onGatheringStateChange((state) => {
        if (state === 'complete') done();
      });
      if (this.#peer.gatheringState() === 'complete') done();
    });
    signal.throwIfAborted();
  }

  #description(): Description {
    const local = this.#peer.localDescription();
    if (local === null) throw new PunchFailure('no packet got through');
    return describe(local.sdp);
  }
}
