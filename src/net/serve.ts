import type { Stream } from '@libp2p/interface';
import { decodeDagCbor } from '../base/dag-cbor.ts';
import { type Result, err, ok } from '../base/result.ts';
import { firstIssue } from '../election/schemas.ts';
import { PeerRefusal } from '../services/ports.ts';
import { FrameError } from './frame-parser.ts';
import { FrameStream } from './frame.ts';
import { BULK_SEND_BUDGET_BYTES, type Deadlines, RECEIVE_BUDGET_BYTES } from './limits.ts';
import { MemoryBudget } from './memory-budget.ts';
import type { Call, ProtocolServer, ProtocolSpec } from './protocol.ts';
import { asRefusal, encodeAnswer, encodeRefusal } from './wire-errors.ts';

const BUSY_RETRY_MS = 1_000;

/** Serves protocols on streams: reads, checks, answers, and ends every stream on every way out. */
export class StreamServer {
  readonly #deadlines: Deadlines;
  readonly #onDefect: (error: unknown) => void;
  readonly #requests = new MemoryBudget(RECEIVE_BUDGET_BYTES);
  readonly #bulk = new MemoryBudget(BULK_SEND_BUDGET_BYTES);
  readonly #streams = new Map<FrameStream, Promise<void>>();
  #stopping = false;

  constructor(deadlines: Deadlines, onDefect: (error: unknown) => void) {
    this.#deadlines = deadlines;
    this.#onDefect = onDefect;
  }

  get stopping(): boolean {
    return this.#stopping;
  }

  /** Takes over a stream that a peer opened. Never throws; the stream is closed or reset in the end. */
  accept<Request>(protocol: ProtocolServer<Request>, stream: Stream): void {
    const frames = new FrameStream(stream, {
      maxBytes: protocol.spec.maxRequestBytes,
      deadlines: this.#deadlines,
      budget: this.#requests,
    });
    if (this.#stopping) frames.stopReading();
    const served = this.#serve(protocol, frames)
      .catch((error: unknown) => {
        this.#onDefect(error);
        frames.abort(error);
      })
      .finally(() => this.#streams.delete(frames));
    this.#streams.set(frames, served);
  }

  /** Reads no further request; resolves when those in progress are answered, or after `stopMs`. */
  async stop(): Promise<void> {
    this.#stopping = true;
    for (const frames of this.#streams.keys()) frames.stopReading();
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise((resolve) => {
      timer = setTimeout(resolve, this.#deadlines.stopMs);
    });
    await Promise.race([Promise.all(this.#streams.values()), deadline]);
    clearTimeout(timer);
  }

  async #serve<Request>(protocol: ProtocolServer<Request>, frames: FrameStream): Promise<void> {
    try {
      // A stream is opened to ask something at once; only later requests may take their time.
      let idleMs = this.#deadlines.requestMs;
      const call = this.#call(protocol.spec, frames);
      for (;;) {
        const request = await frames.read(idleMs);
        if (request === undefined) break;
        const goOn = await this.#answer(protocol, frames, request, call);
        if (!goOn) break;
        idleMs = this.#deadlines.idleStreamMs;
      }
      await frames.close();
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      if (!(await this.#refuseFrame(frames, error))) frames.abort(error);
    }
  }

  /** Whether the stream can take another request: not after one that could not be read. */
  async #answer<Request>(
    protocol: ProtocolServer<Request>,
    frames: FrameStream,
    bytes: Uint8Array,
    call: Call,
  ): Promise<boolean> {
    const request = readRequest(protocol, bytes);
    if (!request.ok) return this.#refuse(frames, malformed(request.error));
    try {
      await protocol.answer(request.value, call);
    } catch (error) {
      if (error instanceof FrameError) throw error;
      await frames.write(encodeRefusal(asRefusal(error, this.#onDefect)));
    }
    return true;
  }

  #call(spec: ProtocolSpec, frames: FrameStream): Call {
    const ended = new AbortController();
    frames.onEnd(() => {
      ended.abort();
    });
    return {
      send: (value) => this.#send(spec, frames, encodeAnswer(value)),
      sendEncoded: (payload) => this.#send(spec, frames, payload),
      ended: ended.signal,
      isStopping: () => this.#stopping,
      heartbeatMs: this.#deadlines.heartbeatMs,
    };
  }

  async #send(spec: ProtocolSpec, frames: FrameStream, payload: Uint8Array): Promise<void> {
    if (!spec.bulk) return frames.write(payload);
    if (!(await this.#bulk.take(payload.length, this.#deadlines.writeMs))) {
      throw new PeerRefusal('busy', 'Too many peers are reading the log now.', BUSY_RETRY_MS);
    }
    try {
      await frames.write(payload);
    } finally {
      this.#bulk.release(payload.length);
    }
  }

  async #refuse(frames: FrameStream, refusal: PeerRefusal): Promise<false> {
    await frames.write(encodeRefusal(refusal));
    return false;
  }

  /** Tells the peer what was wrong with its frame, where it can still be told. */
  async #refuseFrame(frames: FrameStream, error: FrameError): Promise<boolean> {
    const refusal = frameRefusal(error);
    if (refusal === undefined) return false;
    try {
      await frames.write(encodeRefusal(refusal));
    } catch (failure) {
      if (!(failure instanceof FrameError)) throw failure;
      // The peer sent nonsense and left: nobody is there to be told.
      return false;
    }
    await frames.close();
    return true;
  }
}

function readRequest<Request>(protocol: ProtocolServer<Request>, bytes: Uint8Array): Result<Request, string> {
  const usual = protocol.readByShape?.(bytes);
  if (usual !== undefined) return ok(usual);
  const decoded = decodeDagCbor(bytes, protocol.spec.maxRequestBytes);
  if (!decoded.ok) return decoded;
  const request = protocol.request.safeParse(decoded.value);
  return request.success ? ok(request.data) : err(firstIssue(request.error));
}

function frameRefusal({ problem, message }: FrameError): PeerRefusal | undefined {
  switch (problem) {
    case 'malformed':
    case 'truncated':
      return malformed(message);
    case 'too-large':
      return new PeerRefusal('too-large', `The request can't be read: ${message}.`);
    case 'busy':
      return new PeerRefusal('busy', 'Too many requests are being answered now.', BUSY_RETRY_MS);
    case 'timed-out':
    case 'stalled':
    case 'closed':
      return undefined;
  }
}

function malformed(why: string): PeerRefusal {
  return new PeerRefusal('malformed', `The request can't be read: ${why}.`);
}
