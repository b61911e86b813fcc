import type { MessageStream, PeerId } from '@libp2p/interface';
import type { Libp2p } from 'libp2p';
import { isForeseen } from '../../services/ports.ts';
import type { ConnectionStreams } from '../host.ts';
import * as limits from '../limits.ts';
import { PeerLink } from '../peer-link.ts';
import { askInfo } from '../protocols/info/client.ts';
import { type Applicant, CircuitServer } from './server.ts';

/** A peer that asks a relay for a reservation. */
export interface RelayApplicant {
  readonly peerId: string;
  /** The first entry of the log that the peer says it serves; undefined where it serves none, or does not answer. */
  genesis(): Promise<Uint8Array | undefined>;
}

/** Which peers may be reached through a host, and who is told of that. */
export interface RelayingInit {
  /** Whether a peer may hold a reservation. */
  readonly admits: (applicant: RelayApplicant) => Promise<boolean>;
  /** Told when a peer gets a reservation, and when it has lost it. */
  readonly onReservation: (peerId: string, held: boolean) => void;
  /** RELAY_LIMITS where not given. */
  readonly limits?: Partial<limits.RelayLimits>;
}

/** A relay's part in a libp2p host: what the host has to be made with, and what serves on it then. */
export class Relaying {
  readonly limits: limits.RelayLimits;
  readonly #init: RelayingInit;
  readonly #secured = new SecuredStreams();

  constructor(init: RelayingInit) {
    this.#init = init;
    this.limits = { ...limits.RELAY_LIMITS, ...init.limits };
  }

  readonly onSecured = (peer: PeerId, stream: MessageStream): void => {
    this.#secured.note(peer, stream);
  };

  /** Clients open a few; the relay opens one for each connection to a peer that holds a reservation. */
  get inboundStreams(): ConnectionStreams {
    return {
      theirs: limits.MAX_STREAMS_PER_CONNECTION,
      ours: this.limits.relayedPerPeer + limits.MAX_STREAMS_PER_CONNECTION,
    };
  }

  /** Begins to serve. `onDefect` is told of failures that are no peer's doing. */
  async serve(host: Libp2p, onDefect: (error: unknown) => void): Promise<CircuitServer> {
    const { admits, onReservation } = this.#init;
    const server = new CircuitServer({
      host,
      limits: this.limits,
      admits: ({ peer, connection }) =>
        admits({ peerId: peer.toString(), genesis: () => genesisOf(host, { peer, connection }) }),
      onReservation: (peer, held) => {
        onReservation(peer.toString(), held);
      },
      // Every voter's ballot goes over this one connection.
      onLine: (peer) => {
        this.#secured.allow(peer, limits.RELAY_UNSENT_BYTES);
      },
      onDefect,
    });
    await server.start();
    return server;
  }
}

/** Asks a peer over the connection that it made. */
async function genesisOf(host: Libp2p, { peer, connection }: Applicant): Promise<Uint8Array | undefined> {
  const signal = AbortSignal.timeout(limits.RELAY_ANSWER_MS);
  const link = new PeerLink({
    host,
    target: { peerId: peer.toString(), addresses: [] },
    connection,
    timeoutMs: limits.RELAY_ANSWER_MS,
    retries: 0,
    signal,
  });
  try {
    return (await askInfo(link)).genesis.entry;
  } catch (error) {
    // It may not serve an election, or not answer; what is wrong with it is its own business.
    if (isForeseen(error) || signal.aborted) return undefined;
    throw error;
  }
}

/** The encrypted streams below connections, by who is at the other end: what may wait on them can be changed later. */
class SecuredStreams {
  readonly #byPeer = new Map<string, Set<MessageStream>>();

  readonly note = (peer: PeerId, stream: MessageStream): void => {
    const name = peer.toString();
    const streams = this.#byPeer.get(name) ?? new Set();
    this.#byPeer.set(name, streams.add(stream));
    stream.addEventListener('close', () => {
      streams.delete(stream);
      if (streams.size === 0 && this.#byPeer.get(name) === streams) this.#byPeer.delete(name);
    });
  };

  allow(peer: PeerId, bytes: number): void {
    for (const stream of this.#byPeer.get(peer.toString()) ?? []) stream.maxWriteBufferLength = bytes;
  }
}
