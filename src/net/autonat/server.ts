import type { Connection, Stream } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import type { Libp2p } from 'libp2p';
import { asError } from '../../base/errors.ts';
import { equalBytes } from '../../base/bytes.ts';
import { sourceOf } from '../addresses.ts';
import { channelOn } from '../circuit/channel.ts';
import { deadlineAfter } from '../deadline.ts';
import { type DialBackLimits, DIAL_BACK_LIMITS } from '../limits.ts';
import { parseTcpAddress } from '../multiaddrs.ts';
import { AUTONAT, type DialRequest, type DialResponse, decodeDial, encodeResponse } from './messages.ts';

/**
 * Dials back peers that ask whether others can reach them (AutoNAT v1). Nobody can have it dial somebody else: it dials the IP address
 * alone that the question came from, which a peer can't choose in a TCP connection with a handshake; and as often as the limits say.
 */
export class DialBackServer {
  readonly #host: Libp2p;
  readonly #limits: DialBackLimits;
  /** When somebody was dialled last, by `sourceOf`; no more than the limits let live. */
  readonly #dialled = new Map<string, number>();
  #dialling = 0;

  constructor(host: Libp2p, limits: Partial<DialBackLimits> = {}) {
    this.#host = host;
    this.#limits = { ...DIAL_BACK_LIMITS, ...limits };
  }

  /** Begins to serve. */
  async start(): Promise<void> {
    await this.#host.handle(
      AUTONAT,
      async (stream: Stream, connection: Connection) => {
        const { signal, clear } = deadlineAfter(
          2 * this.#limits.dialMs,
          'the question or its answer took too long',
        );
        try {
          const channel = channelOn(stream);
          const response = await this.#answer(await channel.read(decodeDial, { signal }), connection);
          await channel.write(encodeResponse(response), { signal });
          await channel.handOver().close({ signal });
        } catch (error) {
          // The peer sent what is no question, or did not wait for the answer: nobody is there to be told.
          stream.abort(asError(error));
        } finally {
          clear();
        }
      },
      { maxInboundStreams: 1 },
    );
  }

  async #answer(request: DialRequest, connection: Connection): Promise<DialResponse> {
    const { remotePeer, limits } = connection;
    if (limits !== undefined) return { status: 'dial-refused', text: 'ask over a direct connection' };
    if (!equalBytes(request.id, remotePeer.toMultihash().bytes))
      return { status: 'bad-request', text: 'you are another peer' };
    const ip = ipOf(connection.remoteAddr.toString());
    const address = request.addresses.flatMap(textOf).find((candidate) => ipOf(candidate) === ip);
    if (ip === undefined || address === undefined)
      return { status: 'dial-refused', text: 'none of these is the address that you come from' };
    if (!this.#mayDial(sourceOf(ip))) return { status: 'dial-refused', text: 'not so often' };
    return (await this.#reaches(address, connection))
      ? { status: 'ok', address: multiaddr(address).bytes }
      : { status: 'dial-error', text: 'no answer' };
  }

  #mayDial(source: string): boolean {
    const now = performance.now();
    const { everyMs, atATime } = this.#limits;
    for (const [known, time] of this.#dialled) if (now - time >= everyMs) this.#dialled.delete(known);
    if (this.#dialled.has(source) || this.#dialling >= atATime) return false;
    this.#dialled.set(source, now);
    return true;
  }

  /** Whether the same peer answers there, over a connection of its own. */
  async #reaches(address: string, { remotePeer }: Connection): Promise<boolean> {
    const { signal, clear } = deadlineAfter(this.#limits.dialMs, 'no answer');
    this.#dialling += 1;
    try {
      const back = await this.#host.dial(multiaddr(`${address}/p2p/${remotePeer.toString()}`), {
        signal,
        force: true,
      });
      back.abort(new Error('the question is answered'));
      return true;
    } catch {
      // That is the answer.
      return false;
    } finally {
      clear();
      this.#dialling -= 1;
    }
  }
}

/** TCP addresses, as text. */
function textOf(bytes: Uint8Array): string[] {
  try {
    return [parseTcpAddress(multiaddr(bytes).toString()).address];
  } catch {
    // Of another transport, or no address at all: not to be dialled.
    return [];
  }
}

/** The IP address that a multiaddr begins with, with its kind; undefined for a host name. */
function ipOf(address: string): string | undefined {
  return /^\/ip[46]\/[^/]+/.exec(address)?.[0];
}
