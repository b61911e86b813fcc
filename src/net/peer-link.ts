import type { Connection } from '@libp2p/interface';
import type { Libp2p } from 'libp2p';
import type { ZodType } from 'zod';
import { decodeDagCbor, encodeDagCbor } from '../base/dag-cbor.ts';
import { PsephosError, refused, unreachable, asError } from '../base/errors.ts';
import { firstIssue } from '../election/schemas.ts';
import { PeerRefusal } from '../services/ports.ts';
import { deadlineAfter } from './deadline.ts';
import type { Dialled } from './dial.ts';
import { dialOrFind } from './discovery/dial-or-find.ts';
import type { SaidPeer } from './discovery/messages.ts';
import { FrameError } from './frame-parser.ts';
import { FrameStream } from './frame.ts';
import type { PeerTarget } from './invite.ts';
import * as limits from './limits.ts';
import type { Puncher } from './punch/client.ts';
import type { ProtocolSpec } from './protocol.ts';
import type { Exchange, Requester } from './requester.ts';
import { StreamPool } from './stream-pool.ts';
import { errorAnswerSchema } from './wire-errors.ts';

export interface LinkInit {
  readonly host: Libp2p;
  readonly target: PeerTarget;
  /** One that is there already; the peer's addresses are dialled only without it. */
  readonly connection?: Connection;
  /** Who is asked where the peer is, where its known addresses don't lead to it. */
  readonly entryPoints?: () => readonly SaidPeer[];
  readonly timeoutMs: number;
  readonly retries: number;
  /** As in `DialOptions`, with the next two. */
  readonly onRetry?: (error: unknown, waitMs: number) => void;
  readonly beforeRetry?: () => Promise<void>;
  readonly longestWaitMs?: number;
  /** Ends everything that waits. */
  readonly signal: AbortSignal;
  /** Looks for direct ways where relayed ones lead to the peer. */
  readonly puncher?: Puncher;
}

/** How a peer was reached. */
export type PeerWay = Omit<Dialled, 'connection'>;

/** A peer behind a connection that is made when needed, and made again when it was lost: always to the same peer. */
export class PeerLink implements Requester {
  readonly #init: LinkInit;
  readonly #pools = new Map<ProtocolSpec, StreamPool>();
  #target: PeerTarget;
  #connection: Connection | undefined;
  #way: PeerWay | undefined;
  #connecting: Promise<Connection> | undefined;

  constructor(init: LinkInit) {
    this.#init = init;
    this.#target = init.target;
    this.#connection = init.connection;
  }

  /** The peer for people: its first address and its id. */
  get name(): string {
    const { addresses, peerId } = this.#target;
    return `${addresses[0] ?? ''}${peerId === undefined ? '' : `/p2p/${peerId}`}`;
  }

  /** How the peer was reached the last time. Throws where it never was. */
  get way(): PeerWay {
    if (this.#way === undefined) throw new Error('the peer was not connected yet');
    return this.#way;
  }

  /** The connection that is there, or a new one; rejects as `dialTarget` does. */
  async connect(): Promise<Connection> {
    this.#init.signal.throwIfAborted();
    if (this.#connection?.status === 'open') return this.#connection;
    this.#connecting ??= this.#dial().finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  async ask<T>(spec: ProtocolSpec, request: unknown, answer: ZodType<T>): Promise<T> {
    return this.converse(spec, async (exchange) => {
      await exchange.send(request);
      return exchange.next(answer);
    });
  }

  async converse<T>(spec: ProtocolSpec, talk: (exchange: Exchange) => Promise<T>): Promise<T> {
    for (let failures = 1; ; failures += 1) {
      try {
        return await this.#converseOnce(spec, talk);
      } catch (error) {
        await this.retry(error, failures);
      }
    }
  }

  async open(spec: ProtocolSpec): Promise<Exchange> {
    const pool = this.#pool(spec);
    const frames = await pool.acquire();
    return new PeerExchange(this, spec, pool, frames);
  }

  async retry(error: unknown, failures: number): Promise<void> {
    const { retries, onRetry, beforeRetry, longestWaitMs = limits.RETRY_LONGEST_MS, signal } = this.#init;
    signal.throwIfAborted();
    const wait = waitBefore(error, failures, longestWaitMs);
    if (wait === undefined || failures > retries) throw error;
    onRetry?.(error, wait);
    await new Promise<void>((resolve, reject) => {
      const stop = (): void => {
        clearTimeout(timer);
        reject(signal.reason as Error);
      };
      const timer = setTimeout(() => {
        signal.removeEventListener('abort', stop);
        resolve();
      }, wait);
      signal.addEventListener('abort', stop);
    });
    await beforeRetry?.();
  }

  /** A connection on which nothing came back may be dead without our knowing: the next try makes a new one. */
  forgetConnection(cause: unknown): void {
    const connection = this.#connection;
    this.#connection = undefined;
    connection?.abort(asError(cause));
  }

  lost(cause: unknown): PsephosError {
    const why = cause instanceof Error ? cause.message : String(cause);
    return unreachable('connection-lost', `The connection to ${this.name} was lost (${why}).`, {
      hint: 'Check that you are online, and try again: nothing is lost by asking twice.',
      cause,
    });
  }

  async #dial(): Promise<Connection> {
    const { host, entryPoints, timeoutMs, signal, puncher } = this.#init;
    const how = { timeoutMs, signal, ...(puncher === undefined ? {} : { puncher }) };
    const { connection, ...way } = await dialOrFind(host, this.#target, how, entryPoints?.() ?? []);
    this.#connection = connection;
    this.#way = way;
    // Whoever answered first is who must answer again; an address that was found is tried again like those that were known.
    const { addresses } = this.#target;
    this.#target = {
      peerId: connection.remotePeer.toString(),
      addresses: addresses.includes(way.address)
        ? addresses
        : [way.address, ...addresses].slice(0, limits.LINK_ADDRESSES),
    };
    return connection;
  }

  async #converseOnce<T>(spec: ProtocolSpec, talk: (exchange: Exchange) => Promise<T>): Promise<T> {
    const exchange = await this.open(spec);
    try {
      const value = await talk(exchange);
      exchange.release();
      return value;
    } catch (error) {
      // A refusal is an answer too; the pool notices if the peer closed the stream after it.
      if (error instanceof PeerRefusal) exchange.release();
      throw error;
    } finally {
      exchange.drop();
    }
  }

  #pool(spec: ProtocolSpec): StreamPool {
    let pool = this.#pools.get(spec);
    if (pool === undefined) {
      pool = new StreamPool(spec.maxStreams, () => this.#newStream(spec));
      this.#pools.set(spec, pool);
    }
    return pool;
  }

  async #newStream(spec: ProtocolSpec): Promise<FrameStream> {
    const connection = await this.connect();
    const { signal, clear } = deadlineAfter(limits.ANSWER_TIMEOUT_MS, 'no answer', this.#init.signal);
    try {
      const stream = await connection.newStream(spec.id, {
        signal,
        maxOutboundStreams: limits.MAX_STREAMS_PER_CONNECTION,
        // A relay limits what goes through it; who is cut off there connects again.
        runOnLimitedConnection: true,
      });
      return new FrameStream(stream, { maxBytes: spec.maxAnswerBytes, deadlines: limits.DEADLINES });
    } catch (error) {
      if (error instanceof Error && error.name === 'UnsupportedProtocolError') {
        throw refused('not-served', `The peer ${this.name} does not speak ${spec.id}.`, {
          hint: 'It may be another libp2p program, or run another version of Psephos. Check the address.',
          cause: error,
        });
      }
      this.#init.signal.throwIfAborted();
      this.forgetConnection(error);
      throw this.lost(error);
    } finally {
      clear();
    }
  }
}

class PeerExchange implements Exchange {
  readonly #link: PeerLink;
  readonly #spec: ProtocolSpec;
  readonly #pool: StreamPool;
  #frames: FrameStream | undefined;

  constructor(link: PeerLink, spec: ProtocolSpec, pool: StreamPool, frames: FrameStream) {
    this.#link = link;
    this.#spec = spec;
    this.#pool = pool;
    this.#frames = frames;
  }

  async send(request: unknown): Promise<void> {
    const bytes = encodeDagCbor(request);
    if (bytes.length > this.#spec.maxRequestBytes) {
      throw new PeerRefusal(
        'too-large',
        `The request has ${bytes.length} bytes; at most ${this.#spec.maxRequestBytes} are accepted.`,
      );
    }
    try {
      await this.#open.write(bytes);
    } catch (error) {
      throw this.#translate(error);
    }
  }

  async next<T>(answer: ZodType<T>, waitMs: number = limits.ANSWER_TIMEOUT_MS): Promise<T> {
    let bytes;
    try {
      bytes = await this.#open.read(waitMs);
    } catch (error) {
      throw this.#translate(error);
    }
    if (bytes === undefined) throw this.#link.lost('the peer ended the answer early');
    return this.#read(bytes, answer);
  }

  release(): void {
    if (this.#frames !== undefined) this.#pool.release(this.#frames);
    this.#frames = undefined;
  }

  drop(): void {
    if (this.#frames !== undefined) this.#pool.drop(this.#frames);
    this.#frames = undefined;
  }

  badAnswer(why: string): PsephosError {
    return refused('bad-answer', `The peer ${this.#link.name} sent an answer that can't be used: ${why}.`, {
      hint: 'It is damaged, or runs another version of Psephos. Tell its operator.',
    });
  }

  get #open(): FrameStream {
    if (this.#frames === undefined) throw new Error('an exchange was used after its end');
    return this.#frames;
  }

  #read<T>(bytes: Uint8Array, answer: ZodType<T>): T {
    const decoded = decodeDagCbor(bytes, this.#spec.maxAnswerBytes);
    if (!decoded.ok) throw this.badAnswer(decoded.error);
    const envelope = decoded.value;
    if (
      typeof envelope === 'object' &&
      envelope !== null &&
      'ok' in envelope &&
      Object.keys(envelope).length === 1
    ) {
      const parsed = answer.safeParse(envelope.ok);
      if (!parsed.success) throw this.badAnswer(firstIssue(parsed.error));
      return parsed.data;
    }
    const failed = errorAnswerSchema.safeParse(envelope);
    if (!failed.success) throw this.badAnswer('neither a result nor an error');
    const { code, message, retryAfter } = failed.data.error;
    throw new PeerRefusal(code, message, retryAfter);
  }

  #translate(error: unknown): unknown {
    if (!(error instanceof FrameError)) return error;
    switch (error.problem) {
      case 'malformed':
      case 'too-large':
        return this.badAnswer(error.message);
      case 'timed-out':
      case 'stalled':
        this.#link.forgetConnection(error);
        return this.#link.lost(error);
      case 'truncated':
      case 'closed':
      case 'busy':
        return this.#link.lost(error);
    }
  }
}

/** Milliseconds to wait before a next try; undefined where it would end as this one did. */
function waitBefore(error: unknown, failures: number, longestMs: number): number | undefined {
  const backoff = Math.min(limits.RETRY_FIRST_MS * 2 ** (failures - 1), longestMs);
  // Spread, or all voters that one restart cut off would come back in the same moment.
  const spread = backoff * (0.5 + Math.random());
  if (error instanceof PeerRefusal) {
    if (error.code !== 'busy') return undefined;
    return Math.min(error.retryAfter ?? 0, limits.RETRY_AFTER_LONGEST_MS) + spread;
  }
  return error instanceof PsephosError && error.kind === 'unreachable' ? spread : undefined;
}
