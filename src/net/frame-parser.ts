/**
 * Frames as bytes: an unsigned varint (github.com/multiformats/unsigned-varint, shortest form), then that many bytes.
 * A frame is never empty.
 */

/**
 * `truncated`: the stream ended inside a frame, by the peer's will or with its connection. `busy`: this node holds all
 * the memory for requests that it may.
 */
export type FrameProblem =
  'malformed' | 'too-large' | 'truncated' | 'timed-out' | 'stalled' | 'closed' | 'busy';

/** Why a frame could not be read or written. Nothing more can be read from the stream then. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
  readonly problem: FrameProblem;

  constructor(problem: FrameProblem, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.problem = problem;
  }
}

/** The longest prefix that is read, so no frame has 2 MiB or more. */
const MAX_PREFIX_BYTES = 3;

/** Puts frames together from bytes as they come in. */
export class FrameParser {
  readonly #maxBytes: number;
  readonly #admit: (bytes: number) => boolean;
  #prefix = 0;
  #prefixBytes = 0;
  #length: number | undefined;
  #body: Uint8Array | undefined;
  #filled = 0;

  /**
   * `admit` is asked, when a frame's length is known and again as its bytes come in, whether there is memory for what
   * is there of it: a length alone holds nothing, or a few peers that announce much and send nothing would hold it all.
   */
  constructor(maxBytes: number, admit: (bytes: number) => boolean) {
    this.#maxBytes = maxBytes;
    this.#admit = admit;
  }

  /** Whether a frame has begun and not ended. */
  get begun(): boolean {
    return this.#prefixBytes > 0;
  }

  /** The length of the frame that has begun, once its prefix is there. */
  get length(): number | undefined {
    return this.#length;
  }

  /**
   * Takes bytes up to the end of a frame, and returns that frame and the bytes after it; without a frame when all bytes
   * are taken and more are needed. Throws `FrameError`, and is not to be used again then.
   */
  parse(chunk: Uint8Array): { readonly frame: Uint8Array | undefined; readonly rest: Uint8Array } {
    let at = 0;
    while (at < chunk.length) {
      if (this.#length === undefined) {
        this.#length = this.#parsePrefix(chunk[at++] as number);
        continue;
      }
      const part = chunk.subarray(at, at + this.#length - this.#filled);
      at += part.length;
      const frame = this.#add(part, this.#length);
      if (frame !== undefined) {
        this.#reset();
        return { frame, rest: chunk.subarray(at) };
      }
    }
    return { frame: undefined, rest: chunk.subarray(at) };
  }

  #parsePrefix(byte: number): number | undefined {
    this.#prefix |= (byte & 0x7f) << (7 * this.#prefixBytes);
    this.#prefixBytes += 1;
    if (byte >= 0x80) {
      if (this.#prefixBytes < MAX_PREFIX_BYTES) return undefined;
      throw new FrameError('too-large', `a frame above the ${this.#maxBytes} bytes that are taken`);
    }
    if (byte === 0) {
      throw new FrameError(
        'malformed',
        this.#prefixBytes === 1 ? 'an empty frame' : 'a length not in its shortest form',
      );
    }
    if (this.#prefix > this.#maxBytes) {
      throw new FrameError(
        'too-large',
        `a frame of ${this.#prefix} bytes; at most ${this.#maxBytes} are taken`,
      );
    }
    this.#claim(0);
    return this.#prefix;
  }

  #add(part: Uint8Array, length: number): Uint8Array | undefined {
    this.#claim(this.#filled + part.length);
    // Most frames come in one piece, and need no copy.
    if (part.length === length) return part;
    this.#body = roomFor(this.#body, this.#filled, this.#filled + part.length, length);
    this.#body.set(part, this.#filled);
    this.#filled += part.length;
    return this.#filled === length ? this.#body : undefined;
  }

  #claim(bytes: number): void {
    if (!this.#admit(bytes)) throw new FrameError('busy', 'no memory is left for another request');
  }

  #reset(): void {
    this.#prefix = 0;
    this.#prefixBytes = 0;
    this.#length = undefined;
    this.#body = undefined;
    this.#filled = 0;
  }
}

/** A buffer with the first `filled` bytes of `body` and room for `needed`; at most doubled, up to the frame's `length`. */
function roomFor(body: Uint8Array | undefined, filled: number, needed: number, length: number): Uint8Array {
  if (body !== undefined && body.length >= needed) return body;
  const room = new Uint8Array(Math.min(length, Math.max(needed, 2 * filled)));
  if (body !== undefined) room.set(body.subarray(0, filled));
  return room;
}

/** A frame as it travels. */
export function encodeFrame(payload: Uint8Array): Uint8Array {
  const prefix: number[] = [];
  let length = payload.length;
  while (length >= 0x80) {
    prefix.push((length & 0x7f) | 0x80);
    length >>>= 7;
  }
  prefix.push(length);
  // One piece with its prefix: two would travel as two Yamux frames.
  const frame = new Uint8Array(prefix.length + payload.length);
  frame.set(prefix);
  frame.set(payload, prefix.length);
  return frame;
}
