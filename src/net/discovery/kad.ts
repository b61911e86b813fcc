import type { Identify } from '@libp2p/identify';
import type { AbortOptions, Connection, Peer, PeerId, Stream, StreamHandler } from '@libp2p/interface';
import { type KadDHT, type KadDHTComponents, kadDHT } from '@libp2p/kad-dht';
import { peerIdFromString } from '@libp2p/peer-id';
import { type Ping, ping } from '@libp2p/ping';
import type { Multiaddr } from '@multiformats/multiaddr';
import type { Libp2pOptions } from 'libp2p';
import { dialableFirst, mayMean } from '../addresses.ts';
import * as limits from '../limits.ts';
import { parsePeerAddress } from '../multiaddrs.ts';
import { BoundedDatastore } from './bounded-datastore.ts';
import { KAD } from './protocol.ts';

/** A node's part in the distributed hash table: it answers others, and tells them where it is. */
export interface Kad {
  readonly dht: Pick<KadDHT, 'provide' | 'getClosestPeers'>;
  /** Asks the peer at the other end who and where it is; what it says is kept, and whether it takes part. Rejects as libp2p does. */
  identify(connection: Connection): Promise<void>;
  /** From now on, what is known of these peers makes room for nothing that strangers say. At most a few hundred. */
  keep(peerIds: readonly string[]): void;
  /** Whether a peer takes part, so that what is known of it is of use to others when it has gone. */
  takesPart(peer: PeerId): boolean;
  /** What is kept of peers. */
  readonly datastore: BoundedDatastore;
}

/** What libp2p gives a service: its own parts, and the other services by their names. */
type KadComponents = Omit<KadDHTComponents, 'ping'> & Readonly<Record<string, unknown>>;

/**
 * What libp2p needs for a node to take part: services and a store beside its own ones. `kad` gives the part once libp2p is made.
 * Nothing here dials anybody before somebody else was met.
 */
export function kadParts(self: PeerId): {
  readonly options: { readonly datastore: BoundedDatastore } & Pick<Libp2pOptions, 'peerStore'>;
  readonly services: {
    readonly ping: ReturnType<typeof ping>;
    readonly kad: (components: KadComponents) => KadDHT;
  };
  readonly keep: Kad['keep'];
  readonly kad: () => Kad;
} {
  const own = namesOf(self.toString());
  let kept = new Set(own);
  const datastore = new BoundedDatastore(SHELVES, (key) => kept.has(key.slice(key.lastIndexOf('/') + 1)));
  const keep = (peerIds: readonly string[]): void => {
    kept = new Set([...own, ...peerIds.flatMap(namesOf)]);
  };
  let part: Kad | undefined;
  return {
    keep,
    options: { datastore, peerStore: { addressFilter: (_peer, address) => isUsable(address.toString()) } },
    services: {
      ping: ping(),
      kad: (components) => {
        const guard = new KadGuard(() => components['identify'] as Identify);
        const dht = kadDHT(KAD_OPTIONS)(guarded(components, guard));
        part = {
          dht,
          datastore,
          keep,
          identify: guard.identify,
          takesPart: guard.takesPart,
        };
        return dht;
      },
    },
    kad: () => {
      if (part === undefined) throw new Error('libp2p was not made with these services');
      return part;
    },
  };
}

/** The library puts a peer's record under the one, and what it provides under the other. */
function namesOf(peerId: string): string[] {
  return [peerId, peerIdFromString(peerId).toCID().toString()];
}

const PEERS = '/peers/';
const SHELVES = [
  {
    prefix: PEERS,
    values: limits.KAD_PEERS,
    perParent: limits.KAD_PEERS,
    valueBytes: limits.KAD_RECORD_BYTES,
  },
  {
    prefix: '/dht/provider/',
    values: limits.KAD_PROVIDERS,
    perParent: limits.KAD_PROVIDERS_PER_KEY,
    // The time, as a varint.
    valueBytes: 10,
  },
] as const;

const KAD_OPTIONS = {
  protocol: KAD,
  clientMode: false,
  // An election may be held in one network, or on one machine.
  peerInfoMapper: <T>(peer: T): T => peer,
  allowQueryWithZeroPeers: true,
  maxInboundStreams: limits.KAD_STREAMS_PER_CONNECTION,
  maxOutboundStreams: limits.KAD_STREAMS_PER_CONNECTION,
  // A node tells by itself what it provides; the library only has to forget what others did not tell again.
  reprovide: { validity: limits.KAD_PROVIDER_MS, threshold: 0, interval: limits.KAD_PROVIDER_MS / 4 },
  routingTableUpdateMaxQueueSize: limits.KAD_SERVERS,
};

function isUsable(address: string): boolean {
  try {
    parsePeerAddress(address);
    return true;
  } catch {
    // Of another transport, or nonsense: whoever says so may be of use all the same.
    return false;
  }
}

/** The parts of libp2p that the library works with, each with what it can do to this node bounded. */
function guarded(components: KadComponents, guard: KadGuard): KadDHTComponents {
  const { registrar, connectionManager, peerStore, addressManager } = components;
  /** Connects by addresses that mean the peer here; the library would take all that strangers say, and dial this machine and its network. */
  const connect = async (peer: PeerId, options?: AbortOptions): Promise<void> => {
    if (connectionManager.getConnections(peer).length > 0) return;
    const own = dialableFirst(addressManager.getAddresses().map(String));
    const { addresses } = await peerStore.get(peer, options);
    const good = addresses
      .map(({ multiaddr }) => multiaddr)
      .filter((address) => mayMean(address.toString(), own));
    if (good.length === 0) throw new Error('it is not known to be anywhere that can be dialled from here');
    await connectionManager.openConnection(
      good.map((address) => address.encapsulate(`/p2p/${peer.toString()}`)),
      options,
    );
  };
  return {
    peerId: components.peerId,
    privateKey: components.privateKey,
    addressManager: components.addressManager,
    datastore: components.datastore,
    events: components.events,
    logger: components.logger,
    get ping() {
      const service = components['ping'] as Ping;
      return derived(service, {
        ping: async (peer, options) => {
          await connect(peer as PeerId, options);
          return service.ping(peer, options);
        },
      });
    },
    registrar: derived(registrar, {
      handle: (protocol, handler, options) =>
        registrar.handle(protocol, guard.admit(handler), { ...options, runOnLimitedConnection: true }),
    }),
    connectionManager: derived(connectionManager, {
      openStream: async (peer, protocols, options) => {
        await connect(peer as PeerId, options);
        const stream = await connectionManager.openStream(peer, protocols, options);
        capped(stream, limits.KAD_ANSWER_BYTES);
        return stream;
      },
    }),
    peerStore: derived(peerStore, {
      get: async (peer, options) => {
        // What libp2p keeps of itself is what it began with.
        if (peer.equals(components.peerId)) return knownOf(peer, components.addressManager.getAddresses());
        try {
          return await peerStore.get(peer, options);
        } catch (error) {
          // The library would answer nothing at all about an election of whose observers one was forgotten.
          if (!(error instanceof Error) || error.name !== 'NotFoundError') throw error;
          return knownOf(peer, []);
        }
      },
    }),
  };
}

function knownOf(id: PeerId, multiaddrs: readonly Multiaddr[]): Peer {
  const addresses = multiaddrs.map((address) => ({ multiaddr: address, isCertified: false }));
  return { id, addresses, protocols: [], metadata: new Map(), tags: new Map() };
}

/** An object that does some things differently, and all others as `original`. */
function derived<T extends object>(original: T, changes: Partial<T>): T {
  return new Proxy(original, {
    get: (target, name) => {
      const value: unknown = Reflect.get(name in changes ? changes : target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

/** Ends a stream on which more comes in than the largest message. */
function capped(stream: Stream, bytes: number): void {
  let taken = 0;
  stream.addEventListener('message', ({ data }) => {
    taken += data.byteLength;
    if (taken > bytes) stream.abort(new Error('more was sent than any message has'));
  });
}

/**
 * Lets requests in up to a limit, beyond which the one that came in first makes room: an honest one takes moments, and nobody can keep others out
 * by requests that never end. Gets to know who sends them. */
class KadGuard {
  readonly #identifier: () => Identify;
  /** The newest last. */
  readonly #servers = new Set<string>();
  /** Those being answered, the newest last. */
  readonly #streams = new Set<Stream>();
  readonly #asked = new WeakMap<Connection, number>();
  #asking = 0;

  constructor(identifier: () => Identify) {
    this.#identifier = identifier;
  }

  admit(handler: StreamHandler): StreamHandler {
    return (stream, connection) => {
      const [oldest] = this.#streams;
      if (this.#streams.size >= limits.KAD_STREAMS && oldest !== undefined) {
        this.#streams.delete(oldest);
        oldest.abort(new Error('too many requests are being answered'));
      }
      this.#streams.add(stream);
      stream.addEventListener('close', () => {
        this.#streams.delete(stream);
      });
      capped(stream, limits.KAD_REQUEST_BYTES);
      this.#meet(connection);
      return handler(stream, connection);
    };
  }

  readonly identify = async (connection: Connection): Promise<void> => {
    this.#asked.set(connection, performance.now());
    const signal = AbortSignal.timeout(limits.KAD_IDENTIFY_MS);
    const { protocols, peerId } = await this.#identifier().identify(connection, { signal });
    const name = peerId.toString();
    this.#servers.delete(name);
    if (!protocols.includes(KAD)) return;
    this.#servers.add(name);
    const [oldest] = this.#servers;
    if (this.#servers.size > limits.KAD_SERVERS && oldest !== undefined) this.#servers.delete(oldest);
  };

  readonly takesPart = (peer: PeerId): boolean => this.#servers.has(peer.toString());

  #meet(connection: Connection): void {
    const last = this.#asked.get(connection) ?? -Infinity;
    if (performance.now() - last < limits.KAD_IDENTIFY_AGAIN_MS || this.#asking >= limits.KAD_NEWCOMERS)
      return;
    this.#asking += 1;
    this.identify(connection)
      .catch(() => {
        // It left, or doesn't say: its request is answered all the same.
      })
      .finally(() => {
        this.#asking -= 1;
      });
  }
}
