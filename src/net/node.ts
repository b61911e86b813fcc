import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection, Stream } from '@libp2p/interface';
import type { Libp2p } from 'libp2p';
import { type ReachFinding, askReach } from './autonat/client.ts';
import { DialBackServer } from './autonat/server.ts';
import type { NodeService, ReadService } from '../services/ports.ts';
import { HeldRelay, type RelayEvent } from './circuit/held-relay.ts';
import { takeRelayedConnections } from './circuit/listener.ts';
import type { RelayTarget } from './circuit/relay-target.ts';
import { Relaying, type RelayingInit } from './circuit/relaying.ts';
import type { CircuitServer } from './circuit/server.ts';
import { Presence } from './discovery/presence.ts';
import { kadOf, startServingHost } from './host.ts';
import { keyPairOf } from './identity.ts';
import { closeIdleConnections } from './idle-connections.ts';
import * as limits from './limits.ts';
import type { PeerTarget } from './invite.ts';
import { type FailedAddress, type ListenAddress, Listening } from './listening.ts';
import type { ProtocolServer } from './protocol.ts';
import { PUNCH } from './punch/constants.ts';
import { type NativeWebRtc, type StunServer, loadWebRtc } from './punch/native.ts';
import { PunchServer } from './punch/server.ts';
import { castServer } from './protocols/cast/server.ts';
import { enrolServer } from './protocols/enrol/server.ts';
import { infoServer } from './protocols/info/server.ts';
import { logServer } from './protocols/log/server.ts';
import { proofServer } from './protocols/proof/server.ts';
import { trusteeServer } from './protocols/trustee/server.ts';
import { witnessServer } from './protocols/witness/server.ts';
import { StreamServer } from './serve.ts';
import { Forwarding, type ForwardingEvent } from './upnp/forwarding.ts';

export interface NodeInit {
  /** Ed25519 seed of the key that signs the log, or an observer's cosignatures, which becomes the node's identity; a new key if not given. */
  readonly seed?: Uint8Array;
  readonly listen: readonly ListenAddress[];
  /** What the node serves: reading alone, or taking ballots in too; without it, it serves nothing. */
  readonly service?: ReadService | NodeService;
  /** Told of each failure of the service that is not a refusal; the node goes on. */
  readonly onDefect: (error: unknown) => void;
  readonly deadlines?: Partial<limits.Deadlines>;
  /** Relays through which the node can be reached as well. */
  readonly relays?: NodeRelays;
  /** Has the node be a relay for others as well; not if not given. */
  readonly relaying?: RelayingInit;
  /** Has those who know the node's key find it when its addresses have changed; it needs a seed. */
  readonly discovery?: NodeDiscovery;
  /** Helps who comes through a relay to a direct way, with the help of these STUN servers; not if not given. */
  readonly punch?: { readonly stun: readonly StunServer[] };
  /** Whether it dials back peers that ask whether they can be reached (AutoNAT). */
  readonly dialsBack?: boolean;
  /** Has the router forward the node's IPv4 port (UPnP), and is told what becomes of that; not if not given. */
  readonly onForwarding?: (event: ForwardingEvent) => void;
}

export interface NodeDiscovery {
  /** The election that the node serves. */
  readonly electionId: string;
  /**
   * Multiaddrs, ending in peer ids, of whom to tell where the node is, besides its relays: observers, and those that were named. They must
   * be good addresses.
   */
  readonly entryPoints: () => readonly string[];
  /** Told of the multiaddrs, without its id, at which a peer says it can be reached, each time that it says so. */
  readonly onPeer?: (peerId: string, addresses: readonly string[]) => void;
  /** Told when the machine's own addresses have changed. */
  readonly onMoved?: () => void;
  readonly timing?: Partial<limits.PresenceTiming>;
}

export interface NodeRelays {
  readonly targets: readonly RelayTarget[];
  /** Told when a relay is held, and when it is lost. */
  readonly onEvent: (event: RelayEvent) => void;
  readonly timing?: Partial<limits.RelayTiming>;
}

/** A running libp2p node. */
export interface PsephosNode {
  /** Ed25519 public key, 32 bytes. */
  readonly publicKey: Uint8Array;
  readonly peerId: string;
  /** Optional addresses that are not listened on. */
  readonly failedAddresses: readonly FailedAddress[];
  /**
   * Full multiaddrs that can be dialled now, with the peer id; they change with the machine's networks. Those through relays come
   * last, and stay while a relay is lost for a while.
   */
  addresses(): string[];
  /**
   * Asks the node's relays and `others` whether they can dial this computer. Where a relay reached it at an address that it has from a
   * router, `addresses` names that one too from then on. What nobody could say is left out.
   */
  askReach(others: readonly PeerTarget[], signal: AbortSignal): Promise<ReachFinding[]>;
  connectionCount(): number;
  /** Streams that peers have open. */
  streamCount(): number;
  /** Turns newcomers away, answers what is in progress, then closes every connection. */
  stop(): Promise<void>;
}

/**
 * Starts a node. Relays are looked for beside, RELAY_FIRST_MS of it before this resolves. Throws usage errors: `bad-address`, `port-in-use`, `port-not-permitted`, `address-not-available`,
 * each naming the address; `webrtc-missing` where it is to punch and what that needs is not installed.
 */
export async function startNode(init: NodeInit): Promise<PsephosNode> {
  const deadlines: limits.Deadlines = { ...limits.DEADLINES, ...init.deadlines };
  const native = init.punch === undefined ? undefined : await loadWebRtc();
  const listening = new Listening(init.listen);
  const server = new StreamServer(deadlines, init.onDefect);
  const relaying = init.relaying === undefined ? undefined : new Relaying(init.relaying);
  let addresses: () => readonly string[] = () => [];
  const host = await startServingHost({
    privateKey: init.seed === undefined ? undefined : await keyPairOf(init.seed),
    listen: listening.addresses,
    handshakeMs: deadlines.handshakeMs,
    refuseNewcomers: () => server.stopping,
    onListen: listening.record,
    ...(relaying === undefined ? {} : { onSecured: relaying.onSecured }),
    streams: {
      inbound: relaying?.inboundStreams ?? FEW_STREAMS,
      outbound: init.relays === undefined ? FEW_STREAMS : STREAMS_TO_RELAYS,
    },
    ...(init.discovery === undefined ? {} : { kad: { addresses: () => addresses() } }),
  });
  const problem = listening.problem();
  if (problem !== undefined) {
    await host.stop();
    throw problem;
  }
  if (init.service !== undefined) await serveElection(host, server, init.service);
  const circuits = await relaying?.serve(host, init.onDefect);
  if (init.dialsBack === true) await new DialBackServer(host).start();
  const puncher =
    init.punch === undefined || native === undefined
      ? undefined
      : await servePunching(host, server, native, init.punch.stun);
  const relays = init.relays === undefined ? [] : await holdRelays(host, init.relays);
  // On those to relays it waits for others.
  const isRelay = ({ direction, remotePeer }: Connection) =>
    direction === 'outbound' && relays.some(({ peerId }) => remotePeer.toString() === peerId);
  const isKept = (connection: Connection) =>
    isRelay(connection) || circuits?.holdsReservation(connection.remotePeer) === true;
  const stopSweep = closeIdleConnections(host, deadlines.idleConnectionMs, isKept);
  const forwarding = forwardingFor(listening, init);
  const node = new RunningNode({ host, server, listening, relays, circuits, puncher, forwarding, stopSweep });
  addresses = () => node.addresses();
  if (init.discovery !== undefined) node.beFound(init.discovery, isRelay);
  return node;
}

const FEW_STREAMS = { theirs: limits.MAX_STREAMS_PER_CONNECTION, ours: limits.MAX_STREAMS_PER_CONNECTION };
/** Each voter that comes through a relay is a stream that the relay opens. */
const STREAMS_TO_RELAYS = {
  theirs: limits.RELAY_LIMITS.relayedPerPeer + limits.MAX_STREAMS_PER_CONNECTION,
  ours: limits.MAX_STREAMS_PER_CONNECTION,
};

async function holdRelays(host: Libp2p, { targets, onEvent, timing }: NodeRelays): Promise<HeldRelay[]> {
  await takeRelayedConnections(host, (peer) => targets.some(({ peerId }) => peer.toString() === peerId));
  const relays = targets.map(
    (target) => new HeldRelay({ host, target, onEvent, timing: { ...limits.RELAY_TIMING, ...timing } }),
  );
  const waited = new AbortController();
  await Promise.race([
    Promise.all(relays.map(({ settled }) => settled)),
    sleep(limits.RELAY_FIRST_MS, undefined, { signal: waited.signal }).catch(() => {
      // All have answered.
    }),
  ]);
  waited.abort();
  return relays;
}

async function servePunching(
  host: Libp2p,
  server: StreamServer,
  native: NativeWebRtc,
  stun: readonly StunServer[],
): Promise<PunchServer> {
  const puncher = new PunchServer({ host, native, stun });
  await host.handle(
    PUNCH.id,
    (stream: Stream, connection: Connection) => {
      server.accept(puncher.on(connection), stream);
    },
    { maxInboundStreams: PUNCH.maxStreams, runOnLimitedConnection: true },
  );
  return puncher;
}

async function serveElection(
  host: Libp2p,
  server: StreamServer,
  service: ReadService | NodeService,
): Promise<void> {
  await handle(host, server, infoServer(service));
  await handle(host, server, logServer(service));
  await handle(host, server, proofServer(service));
  await handle(host, server, witnessServer(service));
  if (!('cast' in service)) return;
  await handle(host, server, castServer(service));
  await handle(host, server, enrolServer(service));
  await handle(host, server, trusteeServer(service));
}

async function handle<Request>(
  host: Libp2p,
  server: StreamServer,
  protocol: ProtocolServer<Request>,
): Promise<void> {
  await host.handle(
    protocol.spec.id,
    (stream: Stream) => {
      server.accept(protocol, stream);
    },
    {
      maxInboundStreams: protocol.spec.maxStreams,
      maxOutboundStreams: limits.MAX_STREAMS_PER_CONNECTION,
      // A connection through a relay is one that the relay may cut; requests come back by themselves.
      runOnLimitedConnection: true,
    },
  );
}

interface NodeParts {
  readonly host: Libp2p;
  readonly server: StreamServer;
  readonly listening: Listening;
  readonly relays: readonly HeldRelay[];
  /** What relays for others. */
  readonly circuits: CircuitServer | undefined;
  readonly puncher: PunchServer | undefined;
  readonly forwarding: Forwarding | undefined;
  readonly stopSweep: () => void;
}

class RunningNode implements PsephosNode {
  readonly #parts: NodeParts;
  readonly #host: Libp2p;
  #presence: Presence | undefined;
  /** Addresses that a router forwards from, as relays found. */
  #forwarded: readonly string[] = [];

  constructor(parts: NodeParts) {
    this.#parts = parts;
    this.#host = parts.host;
  }

  /** Tells others where the node is, from now on. */
  beFound(discovery: NodeDiscovery, isKept: (connection: Connection) => boolean): void {
    const { relays, circuits } = this.#parts;
    const kad = kadOf(this.#host);
    if (kad === undefined) throw new Error('the host takes no part in the distributed hash table');
    const { electionId, entryPoints, onPeer, onMoved, timing } = discovery;
    if (onPeer !== undefined) {
      this.#host.addEventListener('peer:identify', ({ detail: { peerId, signedPeerRecord } }) => {
        const said = signedPeerRecord?.addresses ?? [];
        onPeer(
          peerId.toString(),
          said.map((address) => address.toString()),
        );
      });
    }
    this.#presence = new Presence({
      host: this.#host,
      kad,
      electionId,
      entryPoints: () => [...relays.flatMap((relay) => relay.dialable), ...entryPoints()],
      addresses: () => this.addresses(),
      onMoved: () => {
        for (const relay of relays) relay.renew();
        onMoved?.();
      },
      isKept,
      ...(circuits === undefined ? {} : { kept: () => circuits.holders }),
      timing: { ...limits.PRESENCE_TIMING, ...timing },
    });
  }

  get publicKey(): Uint8Array {
    const key = this.#host.peerId.publicKey?.raw;
    if (key === undefined) throw new Error('libp2p made an identity that is not an Ed25519 key');
    return key;
  }

  get peerId(): string {
    return this.#host.peerId.toString();
  }

  get failedAddresses(): readonly FailedAddress[] {
    return this.#parts.listening.failed;
  }

  addresses(): string[] {
    const { listening, relays, forwarding } = this.#parts;
    const through = relays.flatMap((relay) => relay.addresses);
    const direct = new Set([
      ...listening.dialable(),
      ...this.#forwarded,
      ...(forwarding?.address === undefined ? [] : [forwarding.address]),
    ]);
    return [...direct, ...through].map((address) => `${address}/p2p/${this.peerId}`);
  }

  async askReach(others: readonly PeerTarget[], signal: AbortSignal): Promise<ReachFinding[]> {
    const relays = this.#parts.relays.map(({ relay }) => relay);
    const helpers = [...relays, ...others].flatMap(({ peerId, addresses }) =>
      peerId === undefined ? [] : [{ peerId, addresses }],
    );
    const found = await Promise.all(
      helpers.map((helper) => askReach(this.#host, helper, (family) => this.#portOf(family), signal)),
    );
    const findings = found.flat();
    // Others could name any address, and have voters dial it.
    this.#forwarded = findings
      .filter(({ helper, reached }) => reached === true && relays.some(({ peerId }) => peerId === helper))
      .map(({ address }) => address);
    return findings;
  }

  #portOf(family: 'ip6' | 'ip4'): number | undefined {
    const { listening, forwarding } = this.#parts;
    return (family === 'ip4' ? forwarding?.from : undefined) ?? portOf(listening, family);
  }

  connectionCount(): number {
    return this.#host.getConnections().length;
  }

  streamCount(): number {
    return this.#host
      .getConnections()
      .reduce((sum, connection: Connection) => sum + connection.streams.length, 0);
  }

  async stop(): Promise<void> {
    const { server, relays, circuits, puncher, forwarding, stopSweep } = this.#parts;
    stopSweep();
    circuits?.stop();
    await this.#presence?.stop();
    puncher?.stop();
    const released = forwarding?.stop();
    await server.stop();
    await Promise.all(relays.map((relay) => relay.stop()));
    await released;
    await this.#host.stop();
  }
}

/** The port that is listened on in one family. */
function portOf(listening: Listening, family: 'ip6' | 'ip4'): number | undefined {
  const own = listening.dialable().find((address) => address.startsWith(`/${family}/`));
  return own === undefined ? undefined : Number(/\/tcp\/(\d+)$/.exec(own)?.[1]);
}

function forwardingFor(listening: Listening, { onForwarding, onDefect }: NodeInit): Forwarding | undefined {
  if (onForwarding === undefined) return undefined;
  const port = portOf(listening, 'ip4');
  if (port !== undefined) return new Forwarding({ port, onEvent: onForwarding, onDefect });
  onForwarding({ type: 'port-not-forwarded', reason: 'this program does not listen on IPv4' });
  return undefined;
}
