import type { ZodType } from 'zod';
import type { PsephosError } from '../base/errors.ts';
import type { ProtocolSpec } from './protocol.ts';

/** A stream to a peer while one request and its answer are on it. */
export interface Exchange {
  send(request: unknown): Promise<void>;
  /**
   * The next frame of the answer, of the expected shape. Rejects with `PeerRefusal` for the peer's refusal, with
   * `refused('bad-answer')` for anything unexpected, with `unreachable('connection-lost')` when nothing comes.
   */
  next<T>(answer: ZodType<T>, waitMs?: number): Promise<T>;
  /** The answer is complete: the stream can serve another request. */
  release(): void;
  /** Resets the stream, unless it was released: the rest of the answer is not wanted. */
  drop(): void;
  /** An error that says what was wrong with the peer's answer. */
  badAnswer(why: string): PsephosError;
}

/** A peer to ask, whose connection comes back by itself. */
export interface Requester {
  /** One request, one frame as the answer. Retried by itself, so requests must be idempotent. */
  ask<T>(spec: ProtocolSpec, request: unknown, answer: ZodType<T>): Promise<T>;
  /**
   * As `ask`, for an answer of several frames: `talk` sends the request and reads the answer to its end, and is called again after a
   * lost connection.
   */
  converse<T>(spec: ProtocolSpec, talk: (exchange: Exchange) => Promise<T>): Promise<T>;
  /** For longer answers; whoever opens an exchange releases or drops it. */
  open(spec: ProtocolSpec): Promise<Exchange>;
  /** After the n-th failure in a row: waits until a next try makes sense, or throws the error where none does. */
  retry(error: unknown, failures: number): Promise<void>;
}
