import type { TestContext } from 'node:test';
import { yamux } from '@chainsafe/libp2p-yamux';
import type { Connection, MessageStream, Stream, StreamMuxerFactory } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import type { Libp2p } from 'libp2p';
import { decodeDagCbor } from '#src/base/dag-cbor.js';
import { startClientHost } from '#src/net/host.js';
import { type Deadlines, type PsephosNode, parseDialTarget, startNode } from '#src/net/index.js';
import { type DialOptions, type DialledPeer, dialPeer } from '#src/net/peer-client.js';
import {
  type BallotCheckReport,
  type ConsistencyAnswer,
  type ElectionInfo,
  type Exchange,
  type ExchangeAnswer,
  type NodeService,
  PeerRefusal,
  type ProvenEntry,
  type VoterQuery,
  type VoterRecord,
} from '#src/services/ports.js';
import type { TrusteeMessage } from '#src/election/trustee-messages.js';
import { cleanUp } from '../support/cleanup.ts';

/** A service whose answers a test sets; it counts nothing and checks nothing. */
export class FakeService implements NodeService {
  entryList: Uint8Array[] = [];
  checkpointList: string[] = [];
  voters: VoterRecord[] = [];
  readonly listeners = new Set<(size: number) => void>();
  onCast: (ballot: Uint8Array, onPromise: (promise: string) => void) => Promise<string> = (ballot) =>
    Promise.resolve(`receipt of ${ballot.length} bytes`);
  infoAnswer: ElectionInfo = sampleInfo();

  info(): Promise<ElectionInfo> {
    return Promise.resolve(this.infoAnswer);
  }

  standing(query: VoterQuery): Promise<VoterRecord | undefined> {
    const found = this.voters.find((voter) =>
      'name' in query ? voter.name === query.name : Buffer.compare(voter.key, query.key) === 0,
    );
    return Promise.resolve(found);
  }

  enrol(enrolment: Uint8Array): Promise<string> {
    return Promise.resolve(`receipt of ${enrolment.length} bytes`);
  }

  cast(ballot: Uint8Array, onPromise: (promise: string) => void = () => undefined): Promise<string> {
    return this.onCast(ballot, onPromise);
  }

  readonly handedIn: TrusteeMessage[] = [];

  handIn(message: TrusteeMessage): Promise<void> {
    this.handedIn.push(message);
    return Promise.resolve();
  }

  inclusion(which: { index: number } | { tracker: string }): Promise<ProvenEntry & { checkpoint: string }> {
    const index = 'index' in which ? which.index : Number.parseInt(which.tracker, 10);
    const entry = this.entryList[index];
    if (entry === undefined) return Promise.reject(new PeerRefusal('not-found', 'There is no such entry.'));
    return Promise.resolve({ index, entry, proof: [new Uint8Array(32).fill(index)], checkpoint: 'newest' });
  }

  consistency(first: number, second = 99): Promise<ConsistencyAnswer> {
    const root = new Uint8Array(32);
    return Promise.resolve({
      root,
      proof: [new Uint8Array(32).fill(first)],
      checkpoint: `of size ${second}`,
    });
  }

  exchange(given: Exchange): Promise<ExchangeAnswer> {
    return Promise.resolve({
      checkpoint: given.checkpoint ?? 'newest',
      prefix: null,
      cosigned: [],
      observers: [],
      evidence: given.evidence,
    });
  }

  readonly ballotChecks: BallotCheckReport[] = [];

  reportChecks(report: BallotCheckReport): Promise<void> {
    this.ballotChecks.push(report);
    return Promise.resolve();
  }

  async *entries(from: number, to = this.entryList.length): AsyncGenerator<Uint8Array[]> {
    for (let at = from; at < Math.min(to, this.entryList.length); at += 10) {
      await Promise.resolve();
      yield this.entryList.slice(at, Math.min(at + 10, to));
    }
  }

  async *checkpoints(from: number): AsyncGenerator<string> {
    for (const text of this.checkpointList.slice(from)) {
      await Promise.resolve();
      yield text;
    }
  }

  latestCheckpoint(): Promise<string | undefined> {
    return Promise.resolve(this.checkpointList.at(-1));
  }

  onGrowth(listener: (size: number) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  grow(...entries: Uint8Array[]): void {
    this.entryList.push(...entries);
    this.checkpointList.push(`checkpoint of size ${this.entryList.length}`);
    for (const listener of this.listeners) listener(this.entryList.length);
  }
}

export function sampleInfo(): ElectionInfo {
  return {
    genesis: { index: 0, entry: new Uint8Array(300).fill(1), proof: [] },
    round: { index: 2, entry: new Uint8Array(500).fill(2), proof: [new Uint8Array(32)] },
    trustees: { index: 1, entry: new Uint8Array(400).fill(3), proof: [new Uint8Array(32)] },
    checkpoint: 'a checkpoint',
    open: true,
    draft: null,
    turnout: { voters: 100, voted: 20, ballots: 25 },
    time: 1_700_000_000_000,
  };
}

/** Entry `index` of a made-up log. */
export function entryOf(index: number, bytes = 300): Uint8Array {
  const entry = new Uint8Array(bytes).fill(index);
  new DataView(entry.buffer).setUint32(0, index);
  return entry;
}

export interface TestNode {
  readonly node: PsephosNode;
  readonly address: string;
  readonly defects: unknown[];
}

/** A node on a free port of ::1, stopped after the test. */
export async function testNode(
  t: TestContext,
  service: NodeService,
  deadlines: Partial<Deadlines> = {},
  more: { readonly seed?: Uint8Array; readonly listen?: string } = {},
): Promise<TestNode> {
  const defects: unknown[] = [];
  const node = await startNode({
    listen: [{ address: more.listen ?? '/ip6/::1/tcp/0' }],
    service,
    deadlines,
    onDefect: (error) => defects.push(error),
    ...(more.seed === undefined ? {} : { seed: more.seed }),
  });
  cleanUp(t, () => node.stop());
  return { node, address: node.addresses()[0] ?? '', defects };
}

export async function testClient(
  t: TestContext,
  address: string,
  options?: DialOptions,
): Promise<DialledPeer> {
  const client = await dialPeer(parseDialTarget(address), options);
  cleanUp(t, () => client.close());
  return client;
}

/** A peer that speaks libp2p and then does as it likes. */
export class RawPeer {
  readonly host: Libp2p;
  readonly connection: Connection;

  private constructor(host: Libp2p, connection: Connection) {
    this.host = host;
    this.connection = connection;
  }

  static async dial(t: TestContext, address: string): Promise<RawPeer> {
    const host = await startClientHost(10_000);
    cleanUp(t, () => host.stop());
    return new RawPeer(host, await host.dial(multiaddr(address)));
  }

  async open(protocol: string): Promise<RawStream> {
    return new RawStream(await this.connection.newStream(protocol));
  }
}

export class RawStream {
  readonly stream: Stream;
  received = new Uint8Array(0);
  /** Resolves when no more comes, with the error if the stream was reset. */
  readonly ended: Promise<Error | undefined>;

  constructor(stream: Stream) {
    this.stream = stream;
    stream.addEventListener('message', (event) => {
      this.received = Buffer.concat([this.received, event.data.subarray()]);
    });
    this.ended = new Promise((resolve) => {
      let error: Error | undefined;
      if (stream.status !== 'open') resolve(new Error('the stream was closed before it could be used'));
      stream.addEventListener('close', (event) => {
        error = event.error;
        resolve(error);
      });
      // A reset ends the stream as well, and says so first.
      stream.addEventListener('end', () => {
        setImmediate(() => {
          resolve(error);
        });
      });
    });
  }

  send(bytes: Uint8Array): void {
    this.stream.send(bytes);
  }

  /** The frames that came, decoded. */
  frames(): unknown[] {
    const frames: unknown[] = [];
    for (let rest: Uint8Array = this.received; rest.length > 0;) {
      let length = 0;
      let prefix = 0;
      for (;;) {
        const byte = rest[prefix] as number;
        length |= (byte & 0x7f) << (7 * prefix);
        prefix += 1;
        if (byte < 0x80) break;
      }
      const decoded = decodeDagCbor(rest.subarray(prefix, prefix + length), length);
      frames.push(decoded.ok ? decoded.value : decoded.error);
      rest = rest.subarray(prefix + length);
    }
    return frames;
  }
}

/** A frame as it travels. */
export function framed(payload: Uint8Array): Uint8Array {
  const prefix: number[] = [];
  let length = payload.length;
  for (; length >= 0x80; length >>>= 7) prefix.push((length & 0x7f) | 0x80);
  return Uint8Array.from([...prefix, length, ...payload]);
}

/** Yamux that hands out the connections below it, for a peer that sends what Yamux would not. */
export function spyingYamux(below: MessageStream[]): StreamMuxerFactory {
  const real = yamux()() as StreamMuxerFactory;
  return {
    protocol: real.protocol,
    createStreamMuxer: (connection) => {
      below.push(connection);
      return real.createStreamMuxer(connection);
    },
  };
}

/** For a node whose service must not fail. */
export function noDefect(error: unknown): void {
  throw error;
}

/** Waits until something has come about; the test fails with `what` where it doesn't. */
export async function until(what: string, reached: () => boolean, ms = 10_000): Promise<void> {
  const end = Date.now() + ms;
  while (!reached()) {
    if (Date.now() > end) throw new Error(`did not come about: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
