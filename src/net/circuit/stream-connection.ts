import { asError } from '../../base/errors.ts';
import type { AbortOptions, Stream } from '@libp2p/interface';
import { AbstractMultiaddrConnection, type SendResult } from '@libp2p/utils';
import type { Multiaddr } from '@multiformats/multiaddr';

type Data = Parameters<AbstractMultiaddrConnection['sendData']>[0];

/** A stream through a relay as what libp2p builds a connection on: encryption and all else are between its two ends. */
export class StreamConnection extends AbstractMultiaddrConnection {
  readonly #stream: Stream;

  /** `remoteAddr` ends in `/p2p-circuit/p2p/` and the peer that must prove to be at the other end. */
  constructor(stream: Stream, remoteAddr: Multiaddr) {
    super({ remoteAddr, direction: stream.direction, log: stream.log.newScope('relayed') });
    this.#stream = stream;
    stream.addEventListener('close', ({ error }) => {
      this.onTransportClosed(error);
    });
    stream.addEventListener('remoteCloseWrite', () => {
      this.onRemoteCloseWrite();
      this.close().catch((error: unknown) => {
        // The stream was lost meanwhile; nothing is to be kept of it.
        this.abort(asError(error));
      });
    });
    stream.addEventListener('message', ({ data }) => {
      this.onData(data);
    });
    stream.addEventListener('drain', () => {
      this.safeDispatchEvent('drain');
    });
    // It may have ended while the last message on it was read.
    if (stream.status !== 'open') this.onTransportClosed();
  }

  override sendData(data: Data): SendResult {
    return { sentBytes: data.byteLength, canSendMore: this.#stream.send(data) };
  }

  override async sendClose(options?: AbortOptions): Promise<void> {
    await this.#stream.close(options);
  }

  override sendReset(error: Error): void {
    this.#stream.abort(error);
  }

  override sendPause(): void {
    this.#stream.pause();
  }

  override sendResume(): void {
    this.#stream.resume();
  }
}
