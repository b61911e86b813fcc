import type { Connection, PeerId, Stream } from '@libp2p/interface';
import type { Multiaddr } from '@multiformats/multiaddr';
import type { Libp2p } from 'libp2p';
import { asError } from '../../base/errors.ts';
import { sourceOf } from '../addresses.ts';
import {
  ADMISSIONS_AT_ONCE,
  ADMISSIONS_PER_SOURCE,
  HOP_STREAMS_PER_CONNECTION,
  RELAY_CONNECT_MS,
  type RelayLimits,
} from '../limits.ts';
import { BadMessage, type Channel, channelOn } from './channel.ts';
import {
  HOP,
  type HopMessage,
  type Limit,
  STOP,
  type Status,
  decodeHop,
  decodeStop,
  encodeHop,
  encodeStop,
} from './messages.ts';
import { type Splice, splice } from './splice.ts';

/** Who asks for a reservation, over which connection. */
export interface Applicant {
  readonly peer: PeerId;
  readonly connection: Connection;
}

export interface CircuitServerInit {
  readonly host: Libp2p;
  readonly limits: RelayLimits;
  /** Whether a peer may hold a reservation; asked for a new one, not when one is renewed. */
  readonly admits: (applicant: Applicant) => Promise<boolean>;
  /** Told when a peer gets a reservation, and when it has lost it. */
  readonly onReservation: (peer: PeerId, held: boolean) => void;
  /** Told when a peer holds its reservation over another connection than before. */
  readonly onLine: (peer: PeerId) => void;
  /** Told of failures that are no peer's doing. */
  readonly onDefect: (error: unknown) => void;
}

/** What a relay has done since it started, and does now. */
export interface RelayFigures {
  readonly reservations: number;
  /** Relayed connections now, and all together. */
  readonly relayed: number;
  readonly relayedEver: number;
  /** Passed on, both ways together. */
  readonly bytes: number;
  /** Requests refused, by what was answered. */
  readonly refused: Readonly<Partial<Record<Status, number>>>;
}

interface Reserved {
  readonly connection: Connection;
  readonly expires: number;
}

/** A way through: the relay's own record of it. */
interface Relayed {
  readonly splice: Splice;
  readonly to: string;
  readonly host: string;
}

/** A request that is not granted. */
class Refused extends Error {
  readonly status: Status;

  constructor(status: Status, message: string) {
    super(message);
    this.status = status;
  }
}

/** The relay's side of Circuit Relay v2: takes reservations, and connects peers to those that hold one. */
export class CircuitServer {
  readonly #init: CircuitServerInit;
  readonly #reserved = new Map<string, Reserved>();
  readonly #relayed = new Set<Relayed>();
  readonly #refused: Partial<Record<Status, number>> = {};
  /** Ways that are being made: they count, or a burst would pass the limits. */
  readonly #making: { readonly to: string; readonly host: string }[] = [];
  /** From where those come that are being asked who they are. */
  readonly #asking: string[] = [];
  readonly #sweep: NodeJS.Timeout;
  #relayedEver = 0;
  #bytes = 0;

  constructor(init: CircuitServerInit) {
    this.#init = init;
    this.#sweep = setInterval(this.#dropExpired, Math.min(init.limits.reservationMs, RELAY_CONNECT_MS));
    this.#sweep.unref();
    // A reservation is good as long as the relay can reach its holder.
    init.host.addEventListener('peer:disconnect', ({ detail: peer }) => {
      if (init.host.getConnections(peer).length === 0) this.#drop(peer.toString());
    });
  }

  /** Begins to serve. */
  async start(): Promise<void> {
    await this.#init.host.handle(HOP, this.#serve, { maxInboundStreams: HOP_STREAMS_PER_CONNECTION });
  }

  /** Cuts all relayed connections. */
  stop(): void {
    clearInterval(this.#sweep);
    for (const { splice: way } of this.#relayed) way.cut(new Error('the relay is stopping'));
  }

  get figures(): RelayFigures {
    return {
      reservations: this.#reserved.size,
      relayed: this.#relayed.size,
      relayedEver: this.#relayedEver,
      bytes: this.#bytes,
      refused: { ...this.#refused },
    };
  }

  /** The ids of those who hold a reservation. */
  get holders(): string[] {
    return [...this.#reserved.keys()];
  }

  holdsReservation(peer: PeerId): boolean {
    return this.#reserved.has(peer.toString());
  }

  readonly #serve = async (stream: Stream, connection: Connection): Promise<void> => {
    const channel = channelOn(stream);
    const signal = AbortSignal.timeout(RELAY_CONNECT_MS);
    try {
      const request = await this.#read(channel, signal);
      if (request.type === 'reserve') await this.#reserve(channel, connection, signal);
      else if (request.type === 'connect') await this.#connect(channel, connection, request.peer, signal);
      else throw new Refused('unexpected-message', 'a status was sent where a request is expected');
    } catch (error) {
      await this.#refuse(channel, stream, error, signal);
    }
  };

  async #read(channel: Channel, signal: AbortSignal): Promise<HopMessage> {
    try {
      return await channel.read(decodeHop, { signal });
    } catch (error) {
      if (error instanceof BadMessage) throw new Refused('malformed-message', error.message);
      throw error;
    }
  }

  async #reserve(channel: Channel, connection: Connection, signal: AbortSignal): Promise<void> {
    const { limits, onReservation, onLine } = this.#init;
    const peer = connection.remotePeer;
    const name = peer.toString();
    if (!this.#reserved.has(name)) await this.#expectAdmission({ peer, connection });
    // The peer may have gone while it was being asked about, or have asked twice.
    if (connection.status !== 'open') return;
    const renewed = this.#reserved.has(name);
    if (!renewed && this.#reserved.size >= limits.reservations)
      throw new Refused('reservation-refused', 'the relay is full');
    const expires = Date.now() + limits.reservationMs;
    const before = this.#reserved.get(name)?.connection;
    this.#reserved.set(name, { connection, expires });
    // Who comes again by another way has lost the first one: nobody is to wait on it for an answer.
    if (before !== connection) onLine(peer);
    if (before !== undefined && before !== connection)
      before.abort(new Error('the peer has another connection to the relay'));
    if (!renewed) onReservation(peer, true);
    const addresses = this.#init.host.getMultiaddrs().map((address: Multiaddr) => address.bytes);
    const answer = encodeHop({
      type: 'status',
      status: 'ok',
      reservation: { expires: Math.floor(expires / 1000), addresses },
      limit: this.#limit,
    });
    await channel.write(answer, { signal });
    await channel.handOver().close({ signal });
  }

  /** To find out who somebody is, the relay may have to receive a whole election's description from them. */
  async #expectAdmission(applicant: Applicant): Promise<void> {
    const source = sourceOf(applicant.connection.remoteAddr.toString());
    const sameSource = this.#asking.filter((one) => one === source).length;
    if (this.#asking.length >= ADMISSIONS_AT_ONCE || sameSource >= ADMISSIONS_PER_SOURCE)
      throw new Refused('resource-limit-exceeded', 'too many ask for a reservation now');
    this.#asking.push(source);
    try {
      if (!(await this.#init.admits(applicant)))
        throw new Refused('permission-denied', 'the relay serves other peers');
    } finally {
      this.#asking.splice(this.#asking.indexOf(source), 1);
    }
  }

  async #connect(channel: Channel, from: Connection, to: PeerId, signal: AbortSignal): Promise<void> {
    const way = { to: to.toString(), host: sourceOf(from.remoteAddr.toString()) };
    const reserved = this.#reserved.get(way.to);
    if (reserved === undefined || reserved.expires < Date.now())
      throw new Refused('no-reservation', 'the peer holds no reservation here');
    this.#expectRoom(way);
    this.#making.push(way);
    try {
      const stop = await this.#offer(reserved.connection, from.remotePeer, signal);
      try {
        const answer = encodeHop({ type: 'status', status: 'ok', limit: this.#limit });
        await channel.write(answer, { signal });
      } catch (error) {
        stop.abort(asError(error));
        throw error;
      }
      this.#join(channel.handOver(), stop, way);
    } finally {
      this.#making.splice(this.#making.indexOf(way), 1);
    }
  }

  #expectRoom({ to, host }: { readonly to: string; readonly host: string }): void {
    const { relayed, relayedPerPeer, relayedPerHost } = this.#init.limits;
    const ways = [...this.#relayed, ...this.#making];
    const full =
      ways.length >= relayed ||
      ways.filter((way) => way.to === to).length >= relayedPerPeer ||
      ways.filter((way) => way.host === host).length >= relayedPerHost;
    if (full) throw new Refused('resource-limit-exceeded', 'too many connections are relayed now');
  }

  /** Asks the peer with the reservation whether it takes the connection; the stream to it then carries it. */
  async #offer(connection: Connection, from: PeerId, signal: AbortSignal): Promise<Stream> {
    let stream: Stream | undefined;
    try {
      stream = await connection.newStream(STOP, {
        signal,
        maxOutboundStreams: this.#init.limits.relayedPerPeer,
      });
      const channel = channelOn(stream);
      await channel.write(encodeStop({ type: 'connect', peer: from, limit: this.#limit }), { signal });
      const answer = await channel.read(decodeStop, { signal });
      if (answer.type === 'status' && answer.status === 'ok') return channel.handOver();
      throw new Error('the peer does not take the connection');
    } catch (error) {
      stream?.abort(asError(error));
      // Whatever it was, the one who asked can do nothing about it.
      throw new Refused('connection-failed', asError(error).message);
    }
  }

  #join(from: Stream, to: Stream, way: { readonly to: string; readonly host: string }): void {
    const { relayedBytes, relayedMs, stalledMs } = this.#init.limits;
    const limits = { bytes: relayedBytes, ms: relayedMs, stalledMs };
    const joined = splice(from, to, limits, (bytes) => {
      this.#bytes += bytes;
    });
    const relayed: Relayed = { ...way, splice: joined };
    this.#relayed.add(relayed);
    this.#relayedEver += 1;
    void joined.ended.then(() => this.#relayed.delete(relayed));
  }

  async #refuse(channel: Channel, stream: Stream, error: unknown, signal: AbortSignal): Promise<void> {
    if (!(error instanceof Refused)) {
      // The peer went away, was too slow, or sent what can't be read: nobody is there to be told.
      if (!isPeersDoing(error)) this.#init.onDefect(error);
      stream.abort(asError(error));
      return;
    }
    this.#refused[error.status] = (this.#refused[error.status] ?? 0) + 1;
    try {
      await channel.write(encodeHop({ type: 'status', status: error.status }), { signal });
      await channel.handOver().close({ signal });
    } catch (failure) {
      // It did not wait for the answer.
      stream.abort(asError(failure));
    }
  }

  get #limit(): Limit {
    const { relayedBytes, relayedMs } = this.#init.limits;
    return { seconds: Math.ceil(relayedMs / 1000), bytes: relayedBytes };
  }

  readonly #dropExpired = (): void => {
    for (const [name, { expires }] of this.#reserved) if (expires < Date.now()) this.#drop(name);
  };

  #drop(name: string): void {
    const reserved = this.#reserved.get(name);
    if (reserved === undefined) return;
    this.#reserved.delete(name);
    this.#init.onReservation(reserved.connection.remotePeer, false);
  }
}

/** A peer can make libp2p and the system throw errors of many names, but not these. */
function isPeersDoing(error: unknown): boolean {
  return !(error instanceof TypeError || error instanceof ReferenceError);
}
