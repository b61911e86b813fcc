import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@libp2p/interface';
import { AbstractMultiaddrConnection, type SendResult } from '@libp2p/utils';
import type { Multiaddr } from '@multiformats/multiaddr';
import type { NativeChannel, NativePeer } from './native.ts';

type Data = Parameters<AbstractMultiaddrConnection['sendData']>[0];

/** In one message; any implementation of data channels takes it (RFC 8831, section 6.6). */
export const CHANNEL_MESSAGE_BYTES = 16 * 1024;
/** Waiting in the native code for the line, so that it never runs dry; beyond it the stream waits. */
const HIGH_WATER_BYTES = 256 * 1024;
const LOW_WATER_BYTES = 64 * 1024;
/** For the line to take what still waits when the connection is closed. */
const FLUSH_MS = 2_000;
const FLUSH_STEP_MS = 20;

/**
 * A data channel as what libp2p builds a connection on: encryption, streams and their windows are as on any other, so that the peer proves
 * its key here too, and can't send further ahead than it may elsewhere. (A stream for each data channel, as libp2p's own WebRTC
 * has it, knows no windows: a peer could fill the memory of one that reads slowly.)
 */
export class ChannelConnection extends AbstractMultiaddrConnection {
  readonly #channel: NativeChannel;
  readonly #peer: NativePeer;

  constructor(
    channel: NativeChannel,
    peer: NativePeer,
    init: {
      readonly remoteAddr: Multiaddr;
      readonly direction: 'inbound' | 'outbound';
      readonly log: Logger;
    },
  ) {
    super({ ...init, log: init.log.newScope('punched'), maxMessageSize: CHANNEL_MESSAGE_BYTES });
    this.#channel = channel;
    this.#peer = peer;
    channel.setBufferedAmountLowThreshold(LOW_WATER_BYTES);
    channel.onBufferedAmountLow(() => {
      this.safeDispatchEvent('drain');
    });
    channel.onMessage((message) => {
      if (typeof message === 'string') this.abort(new Error('text came where bytes are expected'));
      else this.onData(message instanceof Uint8Array ? message : new Uint8Array(message));
    });
    channel.onError((message) => {
      this.abort(new Error(message));
    });
    channel.onClosed(() => {
      this.#ended();
    });
    peer.onStateChange((state) => {
      if (state === 'failed' || state === 'closed') this.#ended();
    });
  }

  override sendData(data: Data): SendResult {
    const bytes = data.subarray();
    // What it can't take is lost with the connection, whose end is told by `onClosed`.
    if (!this.#channel.isOpen()) return { sentBytes: bytes.byteLength, canSendMore: false };
    this.#channel.sendMessageBinary(bytes);
    return { sentBytes: bytes.byteLength, canSendMore: this.#channel.bufferedAmount() < HIGH_WATER_BYTES };
  }

  override async sendClose(): Promise<void> {
    const until = performance.now() + FLUSH_MS;
    while (this.#channel.isOpen() && this.#channel.bufferedAmount() > 0 && performance.now() < until)
      await sleep(FLUSH_STEP_MS);
    this.#release();
  }

  override sendReset(): void {
    this.#release();
  }

  override sendPause(): void {
    // The windows of the streams above say how much may come; there is no other way to hold the peer up.
  }

  override sendResume(): void {
    // As `sendPause`.
  }

  #ended(): void {
    this.onTransportClosed();
    this.#release();
  }

  #release(): void {
    this.#channel.close();
    this.#peer.close();
  }
}
