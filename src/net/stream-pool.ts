import type { FrameStream } from './frame.ts';

/** Streams of one protocol to one peer: each serves one exchange at a time, and is used again after it. */
export class StreamPool {
  readonly #max: number;
  readonly #newStream: () => Promise<FrameStream>;
  readonly #idle = new Set<FrameStream>();
  readonly #waiting: (() => void)[] = [];
  #busy = 0;

  constructor(max: number, newStream: () => Promise<FrameStream>) {
    this.#max = max;
    this.#newStream = newStream;
  }

  /** A stream that is free, or a new one; waits for one while `max` are in use. Rejects as `newStream` does. */
  async acquire(): Promise<FrameStream> {
    while (this.#busy >= this.#max) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
    this.#busy += 1;
    for (const frames of this.#idle) {
      this.#idle.delete(frames);
      if (frames.usable) return frames;
    }
    try {
      const frames = await this.#newStream();
      // A peer that stops, or finds the stream idle for too long, waits for our half to end as well.
      frames.onEnd(() => {
        if (this.#idle.delete(frames)) void frames.close();
      });
      return frames;
    } catch (error) {
      this.#free();
      throw error;
    }
  }

  release(frames: FrameStream): void {
    if (frames.usable) this.#idle.add(frames);
    else void frames.close();
    this.#free();
  }

  drop(frames: FrameStream): void {
    frames.abort(new Error('the rest of the answer is not wanted'));
    this.#free();
  }

  #free(): void {
    this.#busy -= 1;
    this.#waiting.shift()?.();
  }
}
