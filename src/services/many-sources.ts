import { equalBytes } from '../base/bytes.ts';
import { PsephosError, refused, unreachable } from '../base/errors.ts';
import type { LogSource } from '../audit/source.ts';
import { type Checkpoint, openCheckpoint } from '../log/checkpoint.ts';
import { type ForkEvidence, type ProvenPrefix, continuity } from '../log/evidence.ts';
import { CompactTree, leafHash } from '../log/merkle.ts';
import { type KnownGenesis, knownGenesis } from './observing/known-genesis.ts';
import { type PeerClient, PeerRefusal } from './ports.ts';

/** What is read from one peer at a time: some dozen kilobytes of open ballots, about a megabyte of sealed ones. */
const CHUNK_ENTRIES = 256;
/** Chunks asked for at once of each peer, so that it always has one to send. */
const CHUNKS_PER_PEER = 2;
/** For a peer to send a chunk, or to answer, before another is asked, in ms: a slow line's time for a chunk of sealed ballots. */
const CHUNK_DEADLINE_MS = 60_000;

export interface ManySourcesInit {
  /** The id that the election must have; that of most peers unless given. */
  readonly electionId?: string | undefined;
  /** In ms; CHUNK_DEADLINE_MS unless given. */
  readonly chunkDeadlineMs?: number;
}

/** A peer that was left out, and why. */
export interface DroppedPeer {
  readonly name: string;
  readonly reason: string;
}

/** Two peers' newest checkpoints can't be of one history. */
export class ForkFound extends Error {
  override readonly name = 'ForkFound';
  readonly evidence: ForkEvidence;

  constructor(evidence: ForkEvidence, message: string) {
    super(message);
    this.evidence = evidence;
  }
}

interface AgreedPeer {
  readonly client: PeerClient;
  readonly newest: Checkpoint;
}

/**
 * One log from several peers at once: they must agree on one history, and each stretch is read from any of them and held against the
 * checkpoint that they agree on. A peer that lies, stalls or shows another election is left out; the others are enough.
 */
export class ManySources implements LogSource {
  readonly genesis: KnownGenesis;
  /** What the peers agree on: the largest of their newest checkpoints. */
  readonly agreed: Checkpoint;
  readonly #deadlineMs: number;
  readonly #dropped: DroppedPeer[];
  #peers: AgreedPeer[];
  #turn = 0;

  /**
   * Asks all peers for their newest checkpoints, and compares them. Throws `ForkFound`, or `no-source` where none can be used. The
   * caller closes the clients.
   */
  static async open(clients: readonly PeerClient[], init: ManySourcesInit = {}): Promise<ManySources> {
    const deadlineMs = init.chunkDeadlineMs ?? CHUNK_DEADLINE_MS;
    const dropped: DroppedPeer[] = [];
    const met = await Promise.all(clients.map((client) => meet(client, deadlineMs, dropped)));
    const shown = met.filter((one) => one !== undefined);
    const electionId = init.electionId ?? mostCommon(shown.map(({ genesis }) => genesis.electionId));
    const same = shown.filter(({ client, genesis }) => {
      if (genesis.electionId === electionId) return true;
      dropped.push({ name: client.name, reason: `it serves another election, ${genesis.electionId}` });
      return false;
    });
    const [first] = same;
    if (first === undefined) throw noSource(dropped);
    const peers = same.flatMap(({ client, genesis, text }) => {
      const newest = openCheckpoint(text, genesis.key);
      if (newest.ok) return [{ client, newest: newest.value }];
      dropped.push({ name: client.name, reason: `its checkpoint is not good: ${newest.error}` });
      return [];
    });
    const agreeing = await agree(peers, first.genesis, deadlineMs, dropped);
    return new ManySources(first.genesis, agreeing, dropped, deadlineMs);
  }

  private constructor(
    genesis: KnownGenesis,
    peers: AgreedPeer[],
    dropped: DroppedPeer[],
    deadlineMs: number,
  ) {
    const [largest] = peers;
    if (largest === undefined) throw noSource(dropped);
    this.genesis = genesis;
    this.agreed = largest.newest;
    this.#peers = peers;
    this.#dropped = dropped;
    this.#deadlineMs = deadlineMs;
  }

  get name(): string {
    return this.#peers.map(({ client }) => client.name).join(', ');
  }

  /** Peers that were left out so far. */
  get dropped(): readonly DroppedPeer[] {
    return this.#dropped;
  }

  /** Peers that agree, with the size of the log that each had. */
  get agreeing(): readonly { readonly name: string; readonly size: number }[] {
    return this.#peers.map(({ client, newest }) => ({ name: client.name, size: newest.size }));
  }

  latestCheckpoint(): Promise<string> {
    return Promise.resolve(this.agreed.text);
  }

  /** Those that the largest peer has stored; the smaller ones may have others. */
  async *checkpoints(from: number): AsyncGenerator<string> {
    const [largest] = this.#peers;
    if (largest === undefined) throw noSource(this.#dropped);
    for await (const text of largest.client.checkpoints(from)) {
      const opened = openCheckpoint(text, this.genesis.key);
      if (opened.ok && opened.value.size > this.agreed.size) return;
      yield text;
    }
  }

  /**
   * As `LogSource.entries`, up to the agreed size. From the beginning on, every stretch was found to be under the agreed checkpoint before
   * it is given; from elsewhere it comes from one peer as it is.
   */
  async *entries(from: number, to = this.agreed.size): AsyncGenerator<readonly Uint8Array[]> {
    const end = Math.min(to, this.agreed.size);
    const tree = from === 0 ? new CompactTree() : undefined;
    const ahead: Promise<Fetched>[] = [];
    let next = from;
    const ask = (): void => {
      while (next < end && ahead.length < this.#peers.length * CHUNKS_PER_PEER) {
        const chunk = { from: next, to: Math.min(next + CHUNK_ENTRIES, end) };
        const fetched = this.#fetch(chunk);
        // It is awaited in its turn; a failure before that must not count as unhandled.
        fetched.catch(() => undefined);
        ahead.push(fetched);
        next = chunk.to;
      }
    };
    for (;;) {
      ask();
      const oldest = ahead.shift();
      if (oldest === undefined) return;
      const fetched = await oldest;
      yield tree === undefined ? fetched.entries : await this.#verified(fetched, tree);
    }
  }

  /** The stretch as the agreed checkpoint has it: from the peer that gave it, or from another. */
  async #verified(given: Fetched, tree: CompactTree): Promise<readonly Uint8Array[]> {
    let fetched = given;
    for (;;) {
      const grown = tree.clone();
      for (const entry of fetched.entries) grown.append(leafHash(entry));
      if (await this.#isAgreed(grown)) {
        for (const entry of fetched.entries) tree.append(leafHash(entry));
        return fetched.entries;
      }
      this.#drop(fetched.peer, `its entries ${fetched.from} to ${fetched.to - 1} are not those of the log`);
      fetched = await this.#fetch(fetched);
    }
  }

  /** Whether the tree is the beginning of the agreed log, as any peer proves it. */
  async #isAgreed(tree: CompactTree): Promise<boolean> {
    if (tree.size === this.agreed.size) return equalBytes(tree.root(), this.agreed.root);
    for (const peer of [...this.#peers]) {
      if (peer.newest.size < this.agreed.size) continue;
      const prefix = await this.#proofOf(peer, tree.size);
      if (prefix === undefined) continue;
      return continuity({ size: tree.size, root: tree.root() }, this.agreed, prefix) === 'continues';
    }
    throw noSource(this.#dropped);
  }

  /** A peer's proof of how the agreed log begins; a peer that has none, or a wrong one, is dropped. */
  async #proofOf(peer: AgreedPeer, size: number): Promise<ProvenPrefix | undefined> {
    try {
      const prefix = await within(this.#deadlineMs, peer.client.consistency(size, this.agreed.size));
      const claimed = { size, root: prefix.root };
      if (continuity(claimed, this.agreed, prefix) === 'continues') return prefix;
      this.#drop(peer, 'it can not prove how the log begins that it has');
    } catch (error) {
      this.#drop(peer, reasonOf(error));
    }
    return undefined;
  }

  async #fetch({ from, to }: { readonly from: number; readonly to: number }): Promise<Fetched> {
    for (;;) {
      const able = this.#peers.filter(({ newest }) => newest.size >= to);
      const peer = able[this.#turn++ % able.length];
      if (peer === undefined) throw noSource(this.#dropped);
      try {
        return { from, to, peer, entries: await within(this.#deadlineMs, collect(peer.client, from, to)) };
      } catch (error) {
        this.#drop(peer, reasonOf(error));
      }
    }
  }

  #drop(peer: AgreedPeer, reason: string): void {
    if (!this.#peers.includes(peer)) return;
    this.#peers = this.#peers.filter((one) => one !== peer);
    this.#dropped.push({ name: peer.client.name, reason });
  }
}

interface Fetched {
  readonly from: number;
  readonly to: number;
  readonly peer: AgreedPeer;
  readonly entries: readonly Uint8Array[];
}

interface MetPeer {
  readonly client: PeerClient;
  readonly genesis: KnownGenesis;
  readonly text: string;
}

async function meet(
  client: PeerClient,
  deadlineMs: number,
  dropped: DroppedPeer[],
): Promise<MetPeer | undefined> {
  try {
    const info = await within(deadlineMs, client.info());
    return { client, genesis: knownGenesis(info.genesis.entry), text: info.checkpoint };
  } catch (error) {
    dropped.push({ name: client.name, reason: reasonOf(error) });
    return undefined;
  }
}

/**
 * The peers of one history, the largest first: each smaller one's checkpoint must be continued by the largest, which proves it. One that
 * can't is left out, and the next is tried. Throws `ForkFound`.
 */
async function agree(
  peers: readonly AgreedPeer[],
  genesis: KnownGenesis,
  deadlineMs: number,
  dropped: DroppedPeer[],
): Promise<AgreedPeer[]> {
  const [largest, ...others] = [...peers].sort((a, b) => b.newest.size - a.newest.size);
  if (largest === undefined) throw noSource(dropped);
  for (const { client, newest } of others) {
    let prefix: ProvenPrefix;
    try {
      prefix =
        newest.size === largest.newest.size
          ? { root: largest.newest.root, proof: [] }
          : await within(deadlineMs, largest.client.consistency(newest.size, largest.newest.size));
    } catch (error) {
      dropped.push({ name: largest.client.name, reason: reasonOf(error) });
      return agree(others, genesis, deadlineMs, dropped);
    }
    switch (continuity(newest, largest.newest, prefix)) {
      case 'continues':
        break;
      case 'unproven':
        dropped.push({
          name: largest.client.name,
          reason: `it can not prove that its log continues that of ${client.name}`,
        });
        return agree(others, genesis, deadlineMs, dropped);
      case 'conflicts': {
        const { root, proof } = prefix;
        const both = { first: newest.text, second: largest.newest.text, root, proof };
        throw new ForkFound(
          { kind: 'fork', genesis: genesis.bytes, ...both },
          `${client.name} (${newest.size} entries) and ${largest.client.name} (${largest.newest.size}) show different histories, both signed by the authority`,
        );
      }
    }
  }
  return [largest, ...others];
}

async function collect(client: PeerClient, from: number, to: number): Promise<Uint8Array[]> {
  const entries: Uint8Array[] = [];
  for await (const chunk of client.entries(from, to)) entries.push(...chunk);
  if (entries.length !== to - from)
    throw refused('bad-answer', `it sent ${entries.length} entries where ${to - from} were asked for`);
  return entries;
}

/** What a promise comes to, or `too-slow` when that takes longer; what comes later is dropped. */
async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  promise.catch(() => undefined);
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(unreachable('too-slow', `it did not answer within ${Math.ceil(ms / 1000)} s`));
    }, ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Why a peer can't be used; what nobody foresaw is thrown on. */
function reasonOf(error: unknown): string {
  if (error instanceof PsephosError || error instanceof PeerRefusal) return error.message;
  throw error;
}

function mostCommon(ids: readonly string[]): string | undefined {
  const counts = new Map<string, number>();
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0];
}

function noSource(dropped: readonly DroppedPeer[]): Error {
  const why = dropped.map(({ name, reason }) => `${name}: ${reason}`).join('; ');
  return unreachable('no-source', `No peer is left to read the log from${why === '' ? '' : ` (${why})`}.`, {
    hint: 'Name other observers, or the organiser.',
  });
}
