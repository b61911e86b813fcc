import './prelude.ts';
import { noise } from '@chainsafe/libp2p-noise';
import { yamux } from '@chainsafe/libp2p-yamux';
import { type Identify, identify } from '@libp2p/identify';
import {
  FaultTolerance,
  type Listener,
  type MessageStream,
  type PeerId,
  type PrivateKey,
  type StreamMuxerFactory,
  type Upgrader,
} from '@libp2p/interface';
import { tcp } from '@libp2p/tcp';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr';
import { type Libp2p, type Libp2pOptions, createLibp2p } from 'libp2p';
import type { Kad } from './discovery/kad.ts';
import * as limits from './limits.ts';
import { UnsentBudget } from './unsent.ts';

/** What libp2p says of one address to listen on. */
export interface ListenOutcome {
  readonly listener: Listener;
  readonly error: unknown;
}

export interface ServingHostInit {
  readonly privateKey: PrivateKey | undefined;
  readonly listen: readonly string[];
  readonly handshakeMs: number;
  /** MAX_UNSENT_BYTES if not given. */
  readonly maxUnsentBytes?: number;
  /** UNSENT_BUDGET_BYTES if not given. */
  readonly unsentBudgetBytes?: number;
  /** Asked for each new connection, before its handshake. */
  readonly refuseNewcomers: () => boolean;
  /** Called for each address when it is listened on, or can't be. */
  readonly onListen: (address: string, outcome: ListenOutcome) => void;
  /** Streams that a connection may have open, of those that peers make and those that this host makes; MAX_STREAMS_PER_CONNECTION if not given. */
  readonly streams?: { readonly inbound: ConnectionStreams; readonly outbound: ConnectionStreams };
  /** Called with the encrypted stream below each connection that a peer made. */
  readonly onSecured?: (peer: PeerId, stream: MessageStream) => void;
  /** Has it take part in the distributed hash table, with the multiaddrs that others are told it has now; it needs `privateKey`. */
  readonly kad?: { readonly addresses: () => readonly string[] };
}

/** Streams on one connection that the peer opens, and that this host opens. */
export interface ConnectionStreams {
  readonly theirs: number;
  readonly ours: number;
}

type Transport = ReturnType<ReturnType<typeof tcp>>;
type Encrypter = ReturnType<ReturnType<typeof noise>>;

/**
 * Peers ask each other nothing by themselves: identify answers but never asks, and no ping goes over each connection
 * every 10 s. With thousands of connections that is most of the work.
 */
const COMMON = {
  connectionMonitor: { enabled: false },
  services: { identify: identify({ runOnConnectionOpen: false }) },
  // The default names the runtime and its version to every peer.
  nodeInfo: { name: 'psephos', version: '1', userAgent: 'psephos' },
} satisfies Libp2pOptions;

const USUAL_STREAMS: ConnectionStreams = {
  theirs: limits.MAX_STREAMS_PER_CONNECTION,
  ours: limits.MAX_STREAMS_PER_CONNECTION,
};

const upgraders = new WeakMap<Libp2p, Upgrader>();

/** What makes connections of streams; libp2p shows it to transports alone. */
export function upgraderOf(host: Libp2p): Upgrader {
  const upgrader = upgraders.get(host);
  if (upgrader === undefined) throw new Error('this libp2p host was not started here');
  return upgrader;
}

const kads = new WeakMap<Libp2p, Kad>();

/** A host's part in the distributed hash table; undefined where it has none. */
export function kadOf(host: Libp2p): Kad | undefined {
  return kads.get(host);
}

const identifies = new WeakMap<Libp2p, Identify>();

/** What asks a peer who it is, and by which address it sees this host; it asks nobody by itself. */
export function identifyOf(host: Libp2p): Identify {
  const service = identifies.get(host);
  if (service === undefined) throw new Error('this libp2p host was not started here, or serves nobody');
  return service;
}

/** libp2p for a node that serves many peers. */
export async function startServingHost(init: ServingHostInit): Promise<Libp2p> {
  const { streams = { inbound: USUAL_STREAMS, outbound: USUAL_STREAMS } } = init;
  const parts = await kadPartsOf(init);
  let upgrader: Upgrader | undefined;
  const host = await createLibp2p({
    ...COMMON,
    ...(init.privateKey === undefined ? {} : { privateKey: init.privateKey }),
    ...parts?.options,
    services: parts === undefined ? COMMON.services : { ...COMMON.services, ...parts.services },
    addresses: { listen: [...init.listen], ...announcing(init) },
    // Failures come through `onListen`; libp2p's own error is a page of stack traces.
    transportManager: { faultTolerance: FaultTolerance.NO_FATAL },
    transports: [
      (components) => {
        upgrader = components.upgrader;
        return observed(
          tcp({
            backlog: limits.LISTEN_BACKLOG,
            inboundSocketInactivityTimeout: limits.SOCKET_SILENCE_MS,
            outboundSocketInactivityTimeout: limits.SOCKET_SILENCE_MS,
            listenOpts: { keepAliveInitialDelay: limits.TCP_KEEPALIVE_MS },
          })(components),
          init.onListen,
        );
      },
    ],
    connectionEncrypters: [(components) => bounded(noise()(components), init)],
    streamMuxers: [() => byDirection(servingMuxer(streams.inbound), servingMuxer(streams.outbound))],
    connectionGater: { denyInboundConnection: () => init.refuseNewcomers() },
    connectionManager: {
      maxConnections: limits.MAX_CONNECTIONS,
      maxIncomingPendingConnections: limits.MAX_PENDING_CONNECTIONS,
      inboundConnectionThreshold: limits.MAX_NEW_CONNECTIONS_PER_HOST,
      inboundUpgradeTimeout: init.handshakeMs,
      inboundStreamProtocolNegotiationTimeout: init.handshakeMs,
      // Whoever dials from here dials again by itself, and says so.
      reconnectRetries: 0,
    },
  });
  if (upgrader !== undefined) upgraders.set(host, upgrader);
  identifies.set(host, host.services.identify);
  const kad = parts?.kad();
  if (kad !== undefined) kads.set(host, kad);
  forgetLeavingPeers(host, (peer) => kad?.takesPart(peer) === true);
  return host;
}

/** Loaded by those alone who take part. */
async function kadPartsOf({ kad, privateKey }: ServingHostInit) {
  if (kad === undefined) return undefined;
  if (privateKey === undefined) throw new Error('a node that others are to find needs a key of its own');
  const { kadParts } = await import('./discovery/kad.ts');
  return kadParts(peerIdFromPrivateKey(privateKey));
}

/** libp2p knows of no addresses through relays, which are not its own here. */
function announcing({ kad }: ServingHostInit) {
  return kad === undefined
    ? {}
    : { announceFilter: () => kad.addresses().map((address) => multiaddr(address)) };
}

function servingMuxer({ theirs, ours }: ConnectionStreams): StreamMuxerFactory {
  return yamux({
    // Clients ping; a timer for each of thousands of connections here would find out nothing more.
    enableKeepAlive: false,
    maxInboundStreams: theirs,
    maxOutboundStreams: ours,
    // A client may open them all before our end of the handshake is done.
    maxEarlyStreams: theirs,
    streamOptions: {
      initialStreamWindowSize: limits.STREAM_WINDOW_BYTES,
      maxStreamWindowSize: limits.STREAM_WINDOW_BYTES,
    },
  })();
}

/** One muxer on connections that peers made, another on those that this host made. */
function byDirection(inbound: StreamMuxerFactory, outbound: StreamMuxerFactory): StreamMuxerFactory {
  return {
    protocol: inbound.protocol,
    createStreamMuxer: (connection) =>
      (connection.direction === 'inbound' ? inbound : outbound).createStreamMuxer(connection),
  };
}

/** libp2p for a client: listens nowhere, and is known to nobody, since its key is new each time. */
export async function startClientHost(timeoutMs: number): Promise<Libp2p> {
  let upgrader: Upgrader | undefined;
  const host = await createLibp2p({
    ...COMMON,
    addresses: { listen: [] },
    connectionEncrypters: [(components) => bounded(noise()(components))],
    transports: [
      (components) => {
        upgrader = components.upgrader;
        return tcp({ outboundSocketInactivityTimeout: limits.SOCKET_SILENCE_MS })(components);
      },
    ],
    streamMuxers: [
      yamux({
        keepAliveInterval: limits.CLIENT_PING_MS,
        streamOptions: {
          initialStreamWindowSize: limits.STREAM_WINDOW_BYTES,
          maxStreamWindowSize: limits.CLIENT_WINDOW_BYTES,
        },
      }),
    ],
    connectionManager: { dialTimeout: timeoutMs, addressDialTimeout: timeoutMs, reconnectRetries: 0 },
  });
  if (upgrader !== undefined) upgraders.set(host, upgrader);
  return host;
}

/** libp2p remembers each peer for hours; here each voter comes with a new key, and none is ever dialled back. */
function forgetLeavingPeers(host: Libp2p, isKept: (peer: PeerId) => boolean): void {
  host.addEventListener('peer:disconnect', ({ detail: peer }) => {
    if (!host.getConnections(peer).length && !isKept(peer)) {
      host.peerStore.delete(peer).catch(() => {
        // The store is in memory and refuses only once libp2p has stopped, when it is dropped anyway.
      });
    }
  });
}

/** Watches what waits on connections for their peers. */
function bounded(
  encrypter: Encrypter,
  {
    maxUnsentBytes = limits.MAX_UNSENT_BYTES,
    unsentBudgetBytes,
    onSecured,
  }: Pick<ServingHostInit, 'maxUnsentBytes' | 'unsentBudgetBytes' | 'onSecured'> = {},
): Encrypter {
  const unsent = new UnsentBudget(unsentBudgetBytes);
  const secureInbound = encrypter.secureInbound.bind(encrypter);
  encrypter.secureInbound = async (connection, options) => {
    const secured = await secureInbound(connection, options);
    unsent.watch(secured.connection, maxUnsentBytes);
    onSecured?.(secured.remotePeer, secured.connection);
    return secured;
  };
  const secureOutbound = encrypter.secureOutbound.bind(encrypter);
  encrypter.secureOutbound = async (connection, options) => {
    const secured = await secureOutbound(connection, options);
    // Above all such a host dials relays, whose connection carries many voters'.
    unsent.watch(secured.connection, limits.RELAY_UNSENT_BYTES);
    return secured;
  };
  return encrypter;
}

/**
 * Reports what becomes of each listening address. libp2p tells neither the reason of a failure nor, without a service
 * that probes them from outside, its public addresses.
 */
function observed(transport: Transport, onListen: ServingHostInit['onListen']): Transport {
  const createListener = transport.createListener.bind(transport);
  transport.createListener = (options) => {
    const listener = createListener(options);
    const listen = listener.listen.bind(listener);
    listener.listen = async (address: Multiaddr) => {
      try {
        await listen(address);
      } catch (error) {
        onListen(address.toString(), { listener, error });
        throw error;
      }
      onListen(address.toString(), { listener, error: undefined });
    };
    return listener;
  };
  return transport;
}
