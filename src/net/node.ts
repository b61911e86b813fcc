import type { Connection, Stream } from '@libp2p/interface';
import type { Libp2p } from 'libp2p';
import type { NodeService, ReadService } from '../services/ports.ts';
import { startServingHost } from './host.ts';
import { keyPairOf } from './identity.ts';
import { closeIdleConnections } from './idle-connections.ts';
import { DEADLINES, type Deadlines, MAX_STREAMS_PER_CONNECTION } from './limits.ts';
import { type FailedAddress, type ListenAddress, Listening } from './listening.ts';
import type { ProtocolServer } from './protocol.ts';
import { castServer } from './protocols/cast/server.ts';
import { enrolServer } from './protocols/enrol/server.ts';
import { infoServer } from './protocols/info/server.ts';
import { logServer } from './protocols/log/server.ts';
import { proofServer } from './protocols/proof/server.ts';
import { trusteeServer } from './protocols/trustee/server.ts';
import { witnessServer } from './protocols/witness/server.ts';
import { StreamServer } from './serve.ts';

export interface NodeInit {
  /** Ed25519 seed of the key that signs the log, or an observer's cosignatures, which becomes the node's identity; a new key if not given. */
  readonly seed?: Uint8Array;
  readonly listen: readonly ListenAddress[];
  /** What the node serves: reading alone, or taking ballots in too; without it, it serves nothing. */
  readonly service?: ReadService | NodeService;
  /** Told of each failure of the service that is not a refusal; the node goes on. */
  readonly onDefect: (error: unknown) => void;
  readonly deadlines?: Partial<Deadlines>;
}

/** A running libp2p node. */
export interface PsephosNode {
  /** Ed25519 public key, 32 bytes. */
  readonly publicKey: Uint8Array;
  readonly peerId: string;
  /** Optional addresses that are not listened on. */
  readonly failedAddresses: readonly FailedAddress[];
  /** Full multiaddrs that can be dialled now, with the peer id; they change with the machine's networks. */
  addresses(): string[];
  connectionCount(): number;
  /** Streams that peers have open. */
  streamCount(): number;
  /** Turns newcomers away, answers what is in progress, then closes every connection. */
  stop(): Promise<void>;
}

/**
 * Starts a node. Throws usage errors: `bad-address`, `port-in-use`, `port-not-permitted`, `address-not-available`,
 * each naming the address.
 */
export async function startNode(init: NodeInit): Promise<PsephosNode> {
  const deadlines: Deadlines = { ...DEADLINES, ...init.deadlines };
  const listening = new Listening(init.listen);
  const server = new StreamServer(deadlines, init.onDefect);
  const host = await startServingHost({
    privateKey: init.seed === undefined ? undefined : await keyPairOf(init.seed),
    listen: listening.addresses,
    handshakeMs: deadlines.handshakeMs,
    refuseNewcomers: () => server.stopping,
    onListen: listening.record,
  });
  const problem = listening.problem();
  if (problem !== undefined) {
    await host.stop();
    throw problem;
  }
  if (init.service !== undefined) await serveElection(host, server, init.service);
  return new RunningNode(host, server, listening, closeIdleConnections(host, deadlines.idleConnectionMs));
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
      maxOutboundStreams: MAX_STREAMS_PER_CONNECTION,
    },
  );
}

class RunningNode implements PsephosNode {
  readonly #host: Libp2p;
  readonly #server: StreamServer;
  readonly #listening: Listening;
  readonly #stopSweep: () => void;

  constructor(host: Libp2p, server: StreamServer, listening: Listening, stopSweep: () => void) {
    this.#host = host;
    this.#server = server;
    this.#listening = listening;
    this.#stopSweep = stopSweep;
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
    return this.#listening.failed;
  }

  addresses(): string[] {
    return this.#listening.dialable().map((address) => `${address}/p2p/${this.peerId}`);
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
    this.#stopSweep();
    await this.#server.stop();
    await this.#host.stop();
  }
}
