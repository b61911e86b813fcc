import type { Libp2p } from 'libp2p';
import { peerIdText } from '../crypto/peer-id.ts';
import { DialBackServer } from './autonat/server.ts';
import { Presence } from './discovery/presence.ts';
import { kadOf, startServingHost } from './host.ts';
import { keyPairOf } from './identity.ts';
import { closeIdleConnections } from './idle-connections.ts';
import * as limits from './limits.ts';
import { type FailedAddress, type ListenAddress, Listening } from './listening.ts';
import { Relaying, type RelayingInit } from './circuit/relaying.ts';
import type { RelayFigures } from './circuit/server.ts';

export interface RelayInit extends RelayingInit {
  /** Ed25519 seed of the relay's identity. */
  readonly seed: Uint8Array;
  readonly listen: readonly ListenAddress[];
  readonly onDefect: (error: unknown) => void;
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
  const relaying = new Relaying(init);
  const listening = new Listening(init.listen);
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
    onSecured: relaying.onSecured,
    streams: { inbound: relaying.inboundStreams, outbound: init.discovery === undefined ? NONE : FEW },
    ...(init.discovery === undefined ? {} : { kad: { addresses } }),
  });
  const problem = listening.problem();
  if (problem !== undefined) {
    await host.stop();
    throw problem;
  }
  const server = await relaying.serve(host, init.onDefect);
  await new DialBackServer(host).start();
  const stopSweep = closeIdleConnections(host, relaying.limits.idleMs, ({ remotePeer }) =>
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
