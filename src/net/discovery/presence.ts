import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from '@libp2p/interface';
import type { Libp2p } from 'libp2p';
import { CID } from 'multiformats/cid';
import { deadlineAfter } from '../deadline.ts';
import { dialTarget } from '../dial.ts';
import { PRESENCE_PEERS, type PresenceTiming } from '../limits.ts';
import { tellOn } from './ask.ts';
import { entryPointsAt } from './entry-points.ts';
import type { Kad } from './kad.ts';
import type { SaidPeer } from './messages.ts';

export interface PresenceInit {
  readonly host: Libp2p;
  readonly kad: Kad;
  /** The election that the node serves; a relay serves none. */
  readonly electionId: string | undefined;
  /** Multiaddrs that end in peer ids: whom to tell where the node is, and to hear of others from. */
  readonly entryPoints: () => readonly string[];
  /** The node's own addresses now; those through relays may be among them. */
  readonly addresses: () => readonly string[];
  /** Told when the machine's own addresses have changed, before others are told: connections over the old ones are dead. */
  readonly onMoved: () => void;
  /** Whether a connection is somebody else's to look after. */
  readonly isKept: (connection: Connection) => boolean;
  /** Peers, besides the entry points, whose addresses must not be forgotten over others': their ids. */
  readonly kept?: () => readonly string[];
  readonly timing: PresenceTiming;
}

/** Somebody who is told. */
interface Told {
  /** Not before, in ms of the process's clock. */
  nextAt: number;
  failures: number;
}

/**
 * Sees to it that a node can be found: keeps a connection to those who are asked where it is, tells them and those whom they know, and
 * tells them anew whenever the machine's addresses have changed.
 */
export class Presence {
  readonly #init: PresenceInit;
  readonly #stopping = new AbortController();
  readonly #told = new Map<string, Told>();
  readonly #done: Promise<void>;
  #addresses: string;
  #toldAt = -Infinity;
  #movedAt = -Infinity;
  #round: Promise<void> | undefined;
  /** Ends the round under way. */
  #outdated = new AbortController();

  /** Begins at once. */
  constructor(init: PresenceInit) {
    this.#init = init;
    this.#addresses = this.#now();
    this.#done = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the node is stopping'));
    await this.#done;
    await this.#round;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    const { kad, kept = () => [], timing } = this.#init;
    const { watchMs, apartMs, againMs } = timing;
    while (!signal.aborted) {
      const now = performance.now();
      if (this.#now() !== this.#addresses && now - this.#movedAt >= apartMs) {
        this.#movedAt = now;
        this.#moved();
      }
      const peers = this.#entryPoints();
      kad.keep([...peers.map(({ peerId }) => peerId), ...kept()]);
      const isDue = peers.some((peer) => this.#isDue(peer, now)) || now - this.#toldAt >= againMs;
      if (isDue && this.#round === undefined) {
        const greeted = peers.filter((peer) => this.#isDue(peer, now) || this.#connectionTo(peer.peerId));
        this.#round = this.#tell(greeted).finally(() => {
          this.#round = undefined;
        });
      }
      await sleep(watchMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Direct ones alone: those through relays change with what is done about it here. */
  #now(): string {
    return this.#init
      .addresses()
      .filter((address) => !address.includes('/p2p-circuit'))
      .join();
  }

  #moved(): void {
    const { host, kad, isKept, onMoved } = this.#init;
    this.#addresses = this.#now();
    onMoved();
    for (const connection of host.getConnections()) {
      // Whichever side made it: others may have dialled an address that is gone. Voters find that out by themselves.
      const { remotePeer } = connection;
      const isOfUse = this.#told.has(remotePeer.toString()) || kad.takesPart(remotePeer);
      if (isOfUse && !isKept(connection)) connection.abort(new Error('this machine has other addresses now'));
    }
    // What is being said is not true any more.
    this.#outdated.abort(new Error('this machine has other addresses now'));
    this.#outdated = new AbortController();
    this.#told.clear();
    this.#toldAt = -Infinity;
  }

  #entryPoints(): SaidPeer[] {
    const { host, entryPoints } = this.#init;
    const own = host.peerId.toString();
    const peers = entryPointsAt(entryPoints(), [], PRESENCE_PEERS).filter(({ peerId }) => peerId !== own);
    const names = new Set(peers.map(({ peerId }) => peerId));
    for (const name of this.#told.keys()) if (!names.has(name)) this.#told.delete(name);
    return peers;
  }

  /** Whoever is connected was told. */
  #isDue({ peerId }: SaidPeer, now: number): boolean {
    const told = this.#told.get(peerId);
    if (told === undefined) return true;
    return now >= told.nextAt && this.#connectionTo(peerId) === undefined;
  }

  #connectionTo(peerId: string): Connection | undefined {
    return this.#init.host
      .getConnections()
      .find(({ remotePeer, status }) => status === 'open' && remotePeer.toString() === peerId);
  }

  async #tell(peers: readonly SaidPeer[]): Promise<void> {
    const { kad, electionId, host, timing } = this.#init;
    this.#toldAt = performance.now();
    const { signal, clear } = deadlineAfter(
      timing.roundMs,
      'the round is over',
      this.#stopping.signal,
      this.#outdated.signal,
    );
    try {
      await Promise.all(peers.map((peer) => this.#greet(peer, signal)));
      if (signal.aborted) return;
      const events =
        electionId === undefined
          ? kad.dht.getClosestPeers(host.peerId.toMultihash().bytes, { signal })
          : kad.dht.provide(CID.parse(electionId), { signal });
      // Each is a step of the library's, which goes on when it is asked for the next.
      const steps = events[Symbol.asyncIterator]();
      while ((await steps.next()).done !== true);
    } catch {
      // Who could not be told is told again in time, and the library throws whatever went wrong last.
    } finally {
      clear();
    }
  }

  async #greet(peer: SaidPeer, signal: AbortSignal): Promise<void> {
    const { host, kad, electionId, isKept, timing } = this.#init;
    const told = this.#told.get(peer.peerId) ?? { nextAt: 0, failures: 0 };
    this.#told.set(peer.peerId, told);
    const { signal: limit, clear } = deadlineAfter(timing.peerMs, 'no answer', signal);
    let connection = this.#connectionTo(peer.peerId);
    try {
      connection ??= (await dialTarget(host, peer, { timeoutMs: timing.peerMs, signal: limit })).connection;
      await kad.identify(connection);
      const self = { peerId: host.peerId.toString(), addresses: this.#init.addresses() };
      await tellOn(connection, electionId, self, limit);
      told.failures = 0;
      told.nextAt = performance.now() + timing.retryFirstMs;
    } catch {
      // It is away, or takes no part; the others are told all the same.
      if (connection !== undefined && !isKept(connection))
        connection.abort(new Error('nothing comes back on it'));
      const wait = Math.min(timing.retryFirstMs * 2 ** told.failures, timing.retryLongestMs);
      told.failures += 1;
      told.nextAt = performance.now() + wait;
    } finally {
      clear();
    }
  }
}
