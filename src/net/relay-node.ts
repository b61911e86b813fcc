import type { MessageStream, PeerId } from '@libp2p/interface';
import type { Libp2p } from 'libp2p';
import { PsephosError } from '../base/errors.ts';
import { peerIdText } from '../crypto/peer-id.ts';
import { DialBackServer } from './autonat/server.ts';
import { PeerRefusal } from '../services/ports.ts';
import { Presence } from './discovery/presence.ts';
import { kadOf, startServingHost } from './host.ts';
import { keyPairOf } from './identity.ts';
import { closeIdleConnections } from './idle-connections.ts';
import * as limits from './limits.ts';
import { type FailedAddress, type ListenAddress, Listening } from './listening.ts';
import { PeerLink } from './peer-link.ts';
import { askInfo } from './protocols/info/client.ts';
import { type Applicant, CircuitServer, type RelayFigures } from './circuit/server.ts';

/** A peer that asks a relay for a reservation. */
export interface RelayApplicant {
  readonly peerId: string;
  /** The first entry of the log that the peer says it serves; undefined where it serves none, or does not answer. */
  genesis(): Promise<Uint8Array | undefined>;
}

export interface RelayInit {
  /** Ed25519 seed of the relay's identity. */
  readonly seed: Uint8Array;
  readonly listen: readonly ListenAddress[];
  /** Whether a peer may hold a reservation. */
  readonly admits: (applicant: RelayApplicant) => Promise<boolean>;
  /** Told when a peer gets a reservation, and when it has lost it. */
  readonly onReservation: (peerId: string, held: boolean) => void;
  readonly onDefect: (error: unknown) => void;
  readonly limits?: Partial<limits.RelayLimits>;
  /** Has the relay tell whoever asks where those are that it met, and be told of others by those at `entryPoints`. */
  readonly discovery?: RelayDiscovery;
}

export interface RelayDiscovery {
  /** Multiaddrs that end in peer ids; they must be good addresses. */
  readonly entryPoints: readonly string[];
  readonly timing?: Partial<limits.PresenceTiming>;
}

/** A running relay: it serves no election, and can read nothing of what it passes on. */
export interface RelayNode {
  readonly peerId: string;
  readonly failedAddresses: readonly FailedAddress[];
  /** Full multiaddrs, with the relay's peer id, that organisers and voters can dial now. */
  addresses(): string[];
  figures(): RelayFigures;
  /** Cuts what goes through it, and closes every connection. */
  stop(): Promise<void>;
}

/** Starts a relay (Circuit Relay v2), which tells peers besides whether they can be reached without it (AutoNAT). Throws as `startNode`. */
export async function startRelay(init: RelayInit): Promise<RelayNode> {
  const granted: limits.RelayLimits = { ...limits.RELAY_LIMITS, ...init.limits };
  const listening = new Listening(init.listen);
  const secured = new SecuredStreams();
  const privateKey = await keyPairOf(init.seed);
  const peerId = peerIdText(privateKey.publicKey.raw);
  const addresses = () => listening.dialable().map((address) => `${address}/p2p/${peerId}`);
  let stopping = false;
  const host = await startServingHost({
    privateKey,
    listen: listening.addresses,
    handshakeMs: limits.DEADLINES.handshakeMs,
    refuseNewcomers: () => stopping,
    onListen: listening.record,
    onSecured: secured.note,
    streams: { inbound: streamsOf(granted), outbound: init.discovery === undefined ? NONE : FEW },
    ...(init.discovery === undefined ? {} : { kad: { addresses } }),
  });
  const problem = listening.problem();
  if (problem !== undefined) {
    await host.stop();
    throw problem;
  }
  const server = new CircuitServer({
    host,
    limits: granted,
    admits: ({ peer, connection }) =>
      init.admits({ peerId: peer.toString(), genesis: () => genesisOf(host, { peer, connection }) }),
    onReservation: (peer, held) => {
      // Every voter's ballot goes over this one connection.
      if (held) secured.allow(peer, limits.RELAY_UNSENT_BYTES);
      init.onReservation(peer.toString(), held);
    },
    onDefect: init.onDefect,
  });
  await server.start();
  await new DialBackServer(host).start();
  const stopSweep = closeIdleConnections(host, granted.idleMs, ({ remotePeer }) =>
    server.holdsReservation(remotePeer),
  );
  const presence = presenceOf(host, init.discovery, addresses, () => server.holders);
  return {
    peerId,
    get failedAddresses() {
      return listening.failed;
    },
    addresses,
    figures: () => server.figures,
    stop: async () => {
      stopping = true;
      stopSweep();
      await presence?.stop();
      server.stop();
      await host.stop();
    },
  };
}

/** A relay dials nobody, unless it is to hear of others. */
const NONE = { theirs: 0, ours: 0 };
const FEW = { theirs: limits.MAX_STREAMS_PER_CONNECTION, ours: limits.MAX_STREAMS_PER_CONNECTION };

function presenceOf(
  host: Libp2p,
  discovery: RelayDiscovery | undefined,
  addresses: () => readonly string[],
  kept: () => readonly string[],
): Presence | undefined {
  const kad = kadOf(host);
  if (discovery === undefined || kad === undefined) return undefined;
  return new Presence({
    host,
    kad,
    electionId: undefined,
    entryPoints: () => discovery.entryPoints,
    addresses,
    onMoved: () => undefined,
    isKept: () => false,
    kept,
    timing: { ...limits.PRESENCE_TIMING, ...discovery.timing },
  });
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
    if (error instanceof PsephosError || error instanceof PeerRefusal || signal.aborted) return undefined;
    throw error;
  }
}

/** Clients open a few; the relay opens one for each connection to a peer that holds a reservation. */
function streamsOf({ relayedPerPeer }: limits.RelayLimits) {
  return {
    theirs: limits.MAX_STREAMS_PER_CONNECTION,
    ours: relayedPerPeer + limits.MAX_STREAMS_PER_CONNECTION,
  };
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
