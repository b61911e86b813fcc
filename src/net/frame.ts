import type { Stream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface';
import { asError } from '../base/errors.ts';
import { concatBytes } from '../base/bytes.ts';
import { FrameError, FrameParser, type FrameProblem, encodeFrame } from './frame-parser.ts';
import { type Deadlines, MIN_REQUEST_CHARGE_BYTES, slowness } from './limits.ts';
import type { MemoryBudget } from './memory-budget.ts';
import { ReceiveRoom } from './receive-room.ts';

/**
 * Frames on a libp2p stream. Bytes come in by events and are parsed no further than the next frame; whatever follows it
 * makes the stream pause, so that a peer can be ahead of its reader by at most a frame and one Yamux window.
 */

export interface FrameLimits {
  /** The longest frame that is taken; below 2 MiB. */
  readonly maxBytes: number;
  readonly deadlines: Pick<Deadlines, 'requestMs' | 'writeMs' | 'lingerMs' | 'slowestBytesPerSecond'>;
  /** What incoming frames are counted against, from their prefix until the next read. */
  readonly budget?: MemoryBudget;
}

const NOTHING = new Uint8Array(0);

export class FrameStream {
  readonly #stream: Stream;
  readonly #limits: FrameLimits;
  readonly #parser: FrameParser;
  readonly #room: ReceiveRoom;
  /** Received and not parsed. */
  #rest: Uint8Array = NOTHING;
  /** A whole frame that nobody took yet. */
  #ready: Uint8Array | undefined;
  /** Charged to the budget for the frame that comes in or is ready, and for the one that the reader has. */
  #chargedNext = 0;
  #chargedHeld = 0;
  #failure: FrameError | undefined;
  #ended = false;
  #stopped = false;
  #wake: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #timerMs = 0;
  #timeoutMessage = '';
  /** What the timer waits for. */
  #awaited: 'begin' | 'prefix' | 'body' = 'begin';
  #onEnd: (() => void) | undefined;

  constructor(stream: Stream, limits: FrameLimits) {
    this.#stream = stream;
    this.#limits = limits;
    this.#parser = new FrameParser(limits.maxBytes, this.#charge);
    this.#room = new ReceiveRoom(stream);
    stream.addEventListener('message', this.#onMessage);
    stream.addEventListener('end', this.#onEnded);
    stream.addEventListener('close', this.#onClose);
    if (stream.readableEnded) this.#ended = true;
    if (stream.status !== 'open') this.#failure = new FrameError('closed', 'the stream was already closed');
  }

  /** Whether a next request can be tried on it. */
  get usable(): boolean {
    const { status, writeStatus } = this.#stream;
    return status === 'open' && writeStatus === 'writable' && !this.#ended && !this.#failed;
  }

  /** Calls back once, when the peer has ended its half, is gone, or `stopReading` was called. */
  onEnd(listener: () => void): void {
    if (this.#ended || this.#stopped || this.#failed) listener();
    else this.#onEnd = listener;
  }

  /**
   * The next frame; undefined when the peer ended its half between two frames, or after `stopReading`. A frame must
   * begin within `idleMs`, and be there `requestMs` and its `slowness` later. Rejects with `FrameError`.
   */
  async read(idleMs: number): Promise<Uint8Array | undefined> {
    this.#releaseHeld();
    for (;;) {
      const frame = this.#take();
      if (frame !== undefined) return frame;
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#ended) {
        if (this.#parser.begun) throw this.#fail('truncated', 'the stream ended inside a frame');
        return undefined;
      }
      if (this.#stopped && !this.#parser.begun) return undefined;
      await this.#more(idleMs);
    }
  }

  /** Makes a read that waits for a frame to begin, and all later ones, say that there is none. */
  stopReading(): void {
    this.#stopped = true;
    this.#wakeReader();
    this.#tellEnd();
  }

  /**
   * Sends a frame; resolves when the peer and the line have room for the next. Rejects with `FrameError`: `stalled`
   * when the peer doesn't take it within `writeMs` and its `slowness`.
   */
  async write(payload: Uint8Array): Promise<void> {
    let flowing: boolean;
    try {
      flowing = this.#stream.send(encodeFrame(payload));
    } catch (cause) {
      // libp2p throws where the stream is closed, and nothing tells us before.
      throw new FrameError('closed', 'the stream is closed', { cause });
    }
    const { deadlines } = this.#limits;
    if (!flowing) await drained(this.#stream, deadlines.writeMs + slowness(payload.length, deadlines));
  }

  /** Ends our half, and gives the peer `lingerMs` to take what was sent and end its own; then resets the stream. */
  async close(): Promise<void> {
    // From here on whatever comes in is dropped.
    this.#drop('the stream is closed');
    const signal = AbortSignal.timeout(this.#limits.deadlines.lingerMs);
    try {
      await this.#stream.close({ signal });
      await closed(this.#stream, signal);
    } catch (cause) {
      // The peer is gone or too slow; either way the stream must not linger.
      this.abort(cause);
    }
  }

  /** Resets the stream at once; both ends forget what was not yet delivered. */
  abort(cause: unknown): void {
    this.#drop('the stream was cut off');
    this.#stream.abort(asError(cause));
  }

  // Receiving.

  readonly #onMessage = (event: StreamMessageEvent): void => {
    if (this.#failed) return;
    const data = event.data.subarray();
    this.#room.received(data.length);
    // Node hands out Buffers, whose `slice` shares memory where a Uint8Array's copies.
    const chunk = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    this.#rest = this.#rest.length === 0 ? chunk : concatBytes(this.#rest, chunk);
    this.#parse();
    if (this.#ready !== undefined) this.#wakeReader();
    else if (this.#wake !== undefined) this.#armReceive();
    if (this.#rest.length > 0 && this.#stream.readStatus === 'readable') this.#stream.pause();
  };

  readonly #onEnded = (): void => {
    this.#ended = true;
    this.#disarm();
    this.#wakeReader();
    this.#tellEnd();
  };

  readonly #onClose = (event: StreamCloseEvent): void => {
    if (event.error !== undefined) this.#fail('closed', 'the connection was lost', event.error);
    this.#onEnded();
  };

  get #failed(): boolean {
    return this.#failure !== undefined;
  }

  #take(): Uint8Array | undefined {
    for (;;) {
      this.#parse();
      const frame = this.#ready;
      if (frame !== undefined) {
        this.#ready = undefined;
        this.#chargedHeld = this.#chargedNext;
        this.#chargedNext = 0;
        return frame;
      }
      if (this.#stream.readStatus !== 'paused' || this.#failed) return undefined;
      try {
        this.#stream.resume();
      } catch (cause) {
        this.#fail('closed', 'the connection was lost', cause);
      }
    }
  }

  /** Parses up to the end of the next frame, unless one is waiting. */
  #parse(): void {
    if (this.#rest.length === 0 || this.#ready !== undefined) return;
    try {
      const { frame, rest } = this.#parser.parse(this.#rest);
      this.#ready = frame;
      this.#rest = rest;
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.#fail(error.problem, error.message);
    }
  }

  readonly #charge = (bytes: number): boolean => {
    if (this.#limits.budget === undefined) return true;
    const more = Math.max(bytes, MIN_REQUEST_CHARGE_BYTES) - this.#chargedNext;
    if (more <= 0) return true;
    if (!this.#limits.budget.tryTake(more)) return false;
    this.#chargedNext += more;
    return true;
  };

  #releaseHeld(): void {
    if (this.#chargedHeld > 0) this.#limits.budget?.release(this.#chargedHeld);
    this.#chargedHeld = 0;
  }

  // Waiting.

  async #more(idleMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      this.#awaited = 'begin';
      if (this.#parser.begun) this.#armReceive();
      else this.#arm(idleMs, 'no frame came in time');
    });
  }

  /** Counts from the frame's begin, and once more from its prefix; never from each byte, or a drip would last for ever. */
  #armReceive(): void {
    const { length } = this.#parser;
    const awaited = length === undefined ? 'prefix' : 'body';
    if (this.#awaited === awaited) return;
    this.#awaited = awaited;
    const { deadlines } = this.#limits;
    this.#arm(deadlines.requestMs + slowness(length ?? 0, deadlines), 'a frame did not come in time');
  }

  #arm(ms: number, message: string): void {
    this.#timeoutMessage = message;
    if (this.#timer !== undefined && this.#timerMs === ms) {
      this.#timer.refresh();
      return;
    }
    clearTimeout(this.#timer);
    this.#timerMs = ms;
    // It stays for the next read, since a refresh costs less than a new one; between reads it says nothing.
    this.#timer = setTimeout(() => {
      if (this.#wake !== undefined) this.#fail('timed-out', this.#timeoutMessage);
    }, ms);
  }

  #disarm(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #wakeReader(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  #tellEnd(): void {
    const listener = this.#onEnd;
    this.#onEnd = undefined;
    listener?.();
  }

  /** Takes in no more. The first failure stays, what follows is its consequence; a frame that is ready can be read. */
  #fail(problem: FrameProblem, message: string, cause?: unknown): FrameError {
    this.#failure ??= new FrameError(problem, message, cause === undefined ? undefined : { cause });
    this.#rest = NOTHING;
    this.#disarm();
    if (this.#chargedNext > 0 && this.#ready === undefined) {
      this.#limits.budget?.release(this.#chargedNext);
      this.#chargedNext = 0;
    }
    this.#wakeReader();
    this.#tellEnd();
    return this.#failure;
  }

  #drop(message: string): void {
    this.#ready = undefined;
    this.#fail('closed', message);
    this.#releaseHeld();
  }
}

/** Waits until all that was sent on a stream is taken; rejects with `FrameError` after `ms`, or when it is lost. */
async function drained(stream: Stream, ms: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const done = (error?: FrameError): void => {
      clearTimeout(timer);
      stream.removeEventListener('drain', onDrain);
      stream.removeEventListener('close', onClose);
      if (error === undefined) resolve();
      else reject(error);
    };
    const onDrain = (): void => {
      // libp2p sends what is queued in a microtask of its own, and may find the line full again.
      queueMicrotask(() => {
        if (!stream.writableNeedsDrain && stream.writeBufferLength === 0) done();
      });
    };
    const onClose = (event: StreamCloseEvent): void => {
      done(new FrameError('closed', 'the connection was lost', { cause: event.error }));
    };
    const timer = setTimeout(() => {
      done(new FrameError('stalled', 'the peer does not read what it is sent'));
    }, ms);
    stream.addEventListener('drain', onDrain);
    stream.addEventListener('close', onClose);
    if (stream.status !== 'open') done(new FrameError('closed', 'the connection was lost'));
  });
}

async function closed(stream: Stream, signal: AbortSignal): Promise<void> {
  if (stream.status !== 'open') return;
  await new Promise<void>((resolve, reject) => {
    stream.addEventListener('close', () => {
      resolve();
    });
    signal.addEventListener('abort', () => {
      reject(new FrameError('stalled', 'the peer did not end its half of the stream'));
    });
  });
}
