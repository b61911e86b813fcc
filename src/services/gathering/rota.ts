import type { MetPeer } from './agreement.ts';
import type { LeftOut } from './left-out.ts';

interface Waiting {
  /** Who serves fewer entries can't be asked. */
  readonly size: number;
  /** The least goes first. */
  readonly rank: number;
  readonly not: ReadonlySet<MetPeer>;
  readonly resolve: (peer: MetPeer | undefined) => void;
}

/**
 * Whose turn it is to be asked. A peer is asked for one thing at a time, so that quick ones are asked more often; one that kept others waiting
 * is asked only where no other can be.
 */
export class Rota {
  #peers: readonly MetPeer[];
  readonly #busy = new Set<MetPeer>();
  readonly #slow = new Set<MetPeer>();
  readonly #leftOut: LeftOut[];
  #waiting: Waiting[] = [];

  constructor(peers: readonly MetPeer[], leftOut: readonly LeftOut[]) {
    this.#peers = peers;
    this.#leftOut = [...leftOut];
  }

  /** Those that can still be asked. */
  get peers(): readonly MetPeer[] {
    return this.#peers;
  }

  get leftOut(): readonly LeftOut[] {
    return this.#leftOut;
  }

  isSlow(peer: MetPeer): boolean {
    return this.#slow.has(peer);
  }

  /** Those that have so many entries, slow ones last. */
  able(size: number, not: ReadonlySet<MetPeer> = NOBODY): readonly MetPeer[] {
    const able = this.#peers.filter((peer) => peer.newest.size >= size && !not.has(peer));
    return [...able.filter((peer) => !this.#slow.has(peer)), ...able.filter((peer) => this.#slow.has(peer))];
  }

  /** Waits for the turn of one that has so many entries, and is none of `not`; undefined where there is none. `rank`: the least goes first. */
  acquire(size: number, rank: number, not: ReadonlySet<MetPeer>): Promise<MetPeer | undefined> {
    return new Promise((resolve) => {
      this.#waiting.push({ size, rank, not, resolve });
      this.#waiting.sort((a, b) => a.rank - b.rank);
      this.#serve();
    });
  }

  release(peer: MetPeer): void {
    this.#busy.delete(peer);
    this.#serve();
  }

  markSlow(peer: MetPeer): void {
    this.#slow.add(peer);
    this.#serve();
  }

  leaveOut(peer: MetPeer, why: LeftOut): void {
    if (!this.#peers.includes(peer)) return;
    this.#peers = this.#peers.filter((one) => one !== peer);
    this.#leftOut.push(why);
    this.#serve();
  }

  #serve(): void {
    this.#waiting = this.#waiting.filter(({ size, not, resolve }) => {
      const able = this.able(size, not);
      const quick = able.filter((peer) => !this.#slow.has(peer));
      const next = (quick.length > 0 ? quick : able).find((peer) => !this.#busy.has(peer));
      if (next === undefined && able.length > 0) return true;
      if (next !== undefined) this.#busy.add(next);
      resolve(next);
      return false;
    });
  }
}

const NOBODY: ReadonlySet<MetPeer> = new Set();
