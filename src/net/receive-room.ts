import { StreamState, YamuxStream } from '@chainsafe/libp2p-yamux/stream';
import type { Stream } from '@libp2p/interface';
import { STREAM_WINDOW_BYTES } from './limits.ts';

/** Half of the least window, as other implementations of Yamux have it: the peer never runs dry while we read. */
const WORTH_TELLING_BYTES = STREAM_WINDOW_BYTES / 2;

/**
 * Tells a stream's peer that there is room for more only when much of its window is used up. js-libp2p tells it after
 * each frame; a request of a few hundred bytes then costs a second frame, its encryption and a system call, on both ends.
 */
export class ReceiveRoom {
  /** Received since the peer was last told. */
  #untold = 0;

  /** Takes over when `stream`, unless it is not of Yamux, tells its peer of room; whoever reads it calls `received`. */
  constructor(stream: Stream) {
    if (!(stream instanceof YamuxStream)) return;
    const tell = stream.sendWindowUpdate.bind(stream);
    stream.sendWindowUpdate = () => {
      // In other states it acknowledges the stream as well, or keeps silent since the stream is paused.
      if (stream.state === StreamState.Established) {
        if (this.#untold < WORTH_TELLING_BYTES) return;
        this.#untold = 0;
      }
      tell();
    };
  }

  /** Counts bytes that came in. */
  received(bytes: number): void {
    this.#untold += bytes;
  }
}
