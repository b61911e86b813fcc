import type { MessageStream } from '@libp2p/interface';
import { LEAST_UNSENT_CHARGE_BYTES, MAX_UNSENT_BYTES, UNSENT_BUDGET_BYTES } from './limits.ts';

/**
 * What waits on connections for peers to read it, all together. Streams wait for a slow peer by themselves, but pings are answered in any
 * case, of 12 bytes each, which cost twenty times that while they wait: a peer that sends them and reads nothing would fill the memory
 * with answers, and many such peers would even within what each is allowed.
 */
export class UnsentBudget {
  readonly #waiting = new Map<MessageStream, number>();
  readonly #bytes: number;
  #total = 0;

  constructor(bytes: number = UNSENT_BUDGET_BYTES) {
    this.#bytes = bytes;
  }

  /** Cuts a connection when more waits on it than its `maxWriteBufferLength`, or when it takes the largest share of it while too much waits on all. */
  watch(stream: MessageStream, maxUnsentBytes: number): void {
    stream.maxWriteBufferLength = maxUnsentBytes;
    const send = stream.send.bind(stream);
    stream.send = (data) => {
      const waits = stream.writableNeedsDrain;
      const more = send(data);
      if (waits && stream.status === 'open')
        this.#add(stream, Math.max(data.byteLength, LEAST_UNSENT_CHARGE_BYTES));
      return more;
    };
    const forget = (): void => {
      this.#total -= this.#waiting.get(stream) ?? 0;
      this.#waiting.delete(stream);
    };
    // All that waits goes on to the system then, which takes it encrypted and in few pieces.
    stream.addEventListener('drain', forget);
    stream.addEventListener('close', forget);
  }

  #add(stream: MessageStream, bytes: number): void {
    const waiting = (this.#waiting.get(stream) ?? 0) + bytes;
    this.#waiting.set(stream, waiting);
    this.#total += bytes;
    if (waiting > allowed(stream)) stream.abort(new Error('the peer does not read what it is sent'));
    else if (this.#total > this.#bytes) this.#cutOne();
  }

  /** Who is nearest to what it may, so that a relay's line with many voters is not the first. */
  #cutOne(): void {
    let worst: MessageStream | undefined;
    let share = 0;
    for (const [stream, waiting] of this.#waiting) {
      if (waiting / allowed(stream) <= share) continue;
      worst = stream;
      share = waiting / allowed(stream);
    }
    worst?.abort(new Error('too much waits for peers that do not read'));
  }
}

function allowed(stream: MessageStream): number {
  return stream.maxWriteBufferLength ?? MAX_UNSENT_BYTES;
}
