import type { ZodType } from 'zod';

/** What both ends of a protocol agree on. */
export interface ProtocolSpec {
  /** libp2p protocol id. */
  readonly id: string;
  /** The longest request; a longer one is answered with `too-large`. */
  readonly maxRequestBytes: number;
  /** The longest frame of an answer; a client takes no more. */
  readonly maxAnswerBytes: number;
  /** Streams that one client may have open. */
  readonly maxStreams: number;
  /** Answers are large and come in number: they share one bounded memory with those to other peers. */
  readonly bulk: boolean;
}

/** The stream that a request came on, as its handler sees it. */
export interface Call {
  /** Sends one frame of the answer, and waits while the peer is slow to take it. */
  send(value: unknown): Promise<void>;
  /** As `send`, with the frame's payload already encoded: `{ok: value}`. */
  sendEncoded(payload: Uint8Array): Promise<void>;
  /** Aborts when the peer has ended its half of the stream or is gone, and when the node stops. */
  readonly ended: AbortSignal;
  /** Whether the node is about to stop: long answers come to an end. */
  isStopping(): boolean;
  readonly heartbeatMs: number;
}

/** The serving end of a protocol: requests of a known shape, each answered before the next is read. */
export interface ProtocolServer<Request> {
  readonly spec: ProtocolSpec;
  readonly request: ZodType<Request>;
  /** Reads a request of the usual form, to what `request` makes of it; undefined for all others, which are left to that. */
  readonly readByShape?: (bytes: Uint8Array) => Request | undefined;
  answer(request: Request, call: Call): Promise<void>;
}
