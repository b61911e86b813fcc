import { equalBytes } from '../../base/bytes.ts';
import { refused } from '../../base/errors.ts';
import type { LogSource } from '../../audit/source.ts';
import { type Checkpoint, openCheckpoint } from '../../log/checkpoint.ts';
import { CompactTree, leafHash } from '../../log/merkle.ts';
import type { KnownGenesis } from '../observing/known-genesis.ts';
import { type Agreement, type MetPeer, noSource } from './agreement.ts';
import { within } from './deadline.ts';
import { type LeftOut, leftOutFor } from './left-out.ts';
import { Part, type Range, type Stretch } from './part.ts';
import { Rota } from './rota.ts';

/** How long a part is waited for before another peer is asked for it as well, in ms: a poor line's time for a part. */
const PATIENCE_MS = 10_000;
/** What a part should have, so that its proof and its way cost little and a line of 50 KiB/s brings it in PATIENCE_MS. */
const PART_BYTES = 512 * 1024;
/** Of a part before it is known how long entries are, and of any. */
const FIRST_PART_ENTRIES = 256;
const MAX_PART_ENTRIES = 2048;
/** Parts at a time that are fetched or wait for those before them; with the bound on a part's bytes that of the memory. */
const PARTS_PER_PEER = 2;
const MAX_PARTS = 16;

/** A peer that the log is read from. */
export interface AgreeingPeer {
  readonly name: string;
  /** Entries of its newest checkpoint. */
  readonly size: number;
  /** Whether others were asked in its place, since it kept them waiting. */
  readonly isSlow: boolean;
}

/**
 * One log from several peers at once, which agree on its history. Every part is compared with the root that the log has after it, which is proven
 * up to the checkpoint that they agree on. A peer that gives other entries is left out, one that is slow is overtaken; the others are enough.
 */
export class GatheredLog implements LogSource {
  readonly genesis: KnownGenesis;
  /** What the authority signed for, as the peers showed at first. */
  readonly signed: Checkpoint;
  readonly #rota: Rota;
  readonly #patienceMs: number;
  #agreed: Checkpoint;

  /** The caller closes the clients. */
  constructor({ genesis, peers, leftOut }: Agreement, { patienceMs = PATIENCE_MS } = {}) {
    this.genesis = genesis;
    this.signed = this.#agreed = peers[0].newest;
    this.#rota = new Rota(peers, leftOut);
    this.#patienceMs = patienceMs;
  }

  get name(): string {
    return this.#rota.peers.map(({ client }) => client.name).join(', ');
  }

  /** The newest checkpoint of this log. */
  get agreed(): Checkpoint {
    return this.#agreed;
  }

  get agreeing(): readonly AgreeingPeer[] {
    return this.#rota.peers.map((peer) => ({
      name: peer.client.name,
      size: peer.newest.size,
      isSlow: this.#rota.isSlow(peer),
    }));
  }

  get leftOut(): readonly LeftOut[] {
    return this.#rota.leftOut;
  }

  /**
   * After `withheld`: whether some peers are left. The log is then the longest of theirs, all of whose entries came before those that nobody
   * gives.
   */
  fallBack(): boolean {
    const [largest] = this.#rota.able(0).toSorted((a, b) => b.newest.size - a.newest.size);
    if (largest === undefined) return false;
    this.#agreed = largest.newest;
    return true;
  }

  latestCheckpoint(): Promise<string> {
    return Promise.resolve(this.#agreed.text);
  }

  /** As one of the peers has stored them, who may have others than the rest; a peer that fails is followed by another. */
  async *checkpoints(from: number): AsyncGenerator<string> {
    let least = from;
    const tried = new Set<MetPeer>();
    for (;;) {
      const [peer, ...others] = this.#rota.able(this.#agreed.size, tried);
      if (peer === undefined) throw noSource(this.leftOut);
      tried.add(peer);
      const texts = peer.client.checkpoints(least)[Symbol.asyncIterator]();
      try {
        for (;;) {
          const asked = texts.next();
          const next = await (others.length > 0 ? within(this.#patienceMs, asked) : asked);
          if (next.done === true) return;
          const { size, text } = this.#stored(next.value, least);
          if (size > this.#agreed.size) return;
          least = size + 1;
          yield text;
        }
      } catch (error) {
        const why = leftOutFor(peer.client.name, error);
        if (why.why === 'no-answer') this.#rota.markSlow(peer);
        else this.#rota.leaveOut(peer, why);
      } finally {
        // Not awaited: it ends only after the answer that is outstanding, which may be never.
        texts.return?.().catch(() => undefined);
      }
    }
  }

  #stored(text: string, least: number): Checkpoint {
    const opened = openCheckpoint(text, this.genesis.key);
    if (!opened.ok)
      throw refused('bad-answer', `A checkpoint that it has stored is not good: ${opened.error}.`);
    if (opened.value.size < least)
      throw refused('bad-answer', 'The checkpoints that it has stored do not come in order.');
    return opened.value;
  }

  /** Rejects with `withheld` (unreachable) where nobody is left who gives what comes next. */
  async *entries(from: number, to = this.#agreed.size): AsyncGenerator<readonly Uint8Array[]> {
    const end = Math.min(to, this.#agreed.size);
    const parts: Part[] = [];
    let tree = new CompactTree();
    let next = 0;
    let partEntries = FIRST_PART_ENTRIES;
    try {
      while (tree.size < end) {
        const most = Math.min(MAX_PARTS, PARTS_PER_PEER * this.#rota.peers.length);
        while (next < end && (parts.length < most || parts.length === 0)) {
          const range = { from: next, to: Math.min(next + partEntries, end) };
          parts.push(new Part(range, this.#rota));
          next = range.to;
        }
        const part = parts[0] as Part;
        const stretch = await this.#due(part);
        const grown = extended(tree, stretch.entries);
        if (!equalBytes(grown.root(), stretch.root)) {
          this.#leaveOutLiar(stretch);
          parts[0] = new Part(part.range, this.#rota);
          continue;
        }
        parts.shift();
        if (stretch.to < part.range.to)
          parts.unshift(new Part({ from: stretch.to, to: part.range.to }, this.#rota));
        tree = grown;
        partEntries = entriesPerPart(stretch.entries);
        const wanted = stretch.entries.slice(Math.max(0, from - stretch.from));
        if (wanted.length > 0) yield wanted;
      }
    } finally {
      for (const part of parts) part.abandon();
    }
  }

  /** Waits for the part that comes next; who is slow at it is overtaken. */
  async #due(part: Part): Promise<Stretch> {
    const waiting = setInterval(() => {
      part.askAnother();
    }, this.#patienceMs);
    try {
      return await part.stretch;
    } finally {
      clearInterval(waiting);
    }
  }

  #leaveOutLiar({ from, to, peer }: Range & Pick<Stretch, 'peer'>): void {
    const { name } = peer.client;
    const reason = `Its entries ${from} to ${to - 1} are not those that the authority signed for.`;
    this.#rota.leaveOut(peer, { name, why: 'wrong-answer', reason });
  }
}

function extended(tree: CompactTree, entries: readonly Uint8Array[]): CompactTree {
  const grown = tree.clone();
  for (const entry of entries) grown.append(leafHash(entry));
  return grown;
}

function entriesPerPart(entries: readonly Uint8Array[]): number {
  const bytes = entries.reduce((sum, { length }) => sum + length, 0);
  return Math.max(1, Math.min(MAX_PART_ENTRIES, Math.floor((PART_BYTES * entries.length) / bytes)));
}
