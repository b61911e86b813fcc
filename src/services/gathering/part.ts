import { refused, unreachable } from '../../base/errors.ts';
import { continuity } from '../../log/evidence.ts';
import type { MetPeer } from './agreement.ts';
import { type LeftOut, leftOutFor, reasonsText } from './left-out.ts';
import type { Rota } from './rota.ts';

/** Entries `from` up to, not including, `to`. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** Entries as a peer gave them, and the root that the log has after them: proven, as the entries are not yet. */
export interface Stretch extends Range {
  readonly entries: readonly Uint8Array[];
  readonly root: Uint8Array;
  readonly peer: MetPeer;
}

/** What is kept of one part at most, but for its last entry: hostile peers have long entries. */
const MAX_PART_BYTES = 4 * 1024 * 1024;

/**
 * A part of the log that is being fetched: from one peer and, when that takes too long, from others as well; whoever is done first has
 * given it. It may be shorter than what was asked for.
 */
export class Part {
  readonly range: Range;
  readonly #rota: Rota;
  readonly #asked = new Map<MetPeer, AbortController>();
  /** Rejects with `withheld` (unreachable) where no peer that has these entries is left. */
  readonly stretch: Promise<Stretch>;
  #resolve: (stretch: Stretch) => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;
  #isSettled = false;
  /** Peers that are being asked, and whether the turn of one more is waited for. */
  #asking = 0;
  #isWaiting = false;

  /** Begins to fetch. */
  constructor(range: Range, rota: Rota) {
    this.range = range;
    this.#rota = rota;
    this.stretch = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // It is awaited in its turn; a failure before that must not count as unhandled.
    this.stretch.catch(() => undefined);
    this.askAnother();
  }

  /** Asks one peer more, where there is one that was not asked. */
  askAnother(): void {
    if (this.#isSettled || this.#isWaiting) return;
    this.#ask().catch((error: unknown) => {
      this.#end();
      this.#reject(error);
    });
  }

  /** Nobody waits for it any more. */
  abandon(): void {
    this.#end();
  }

  async #ask(): Promise<void> {
    this.#isWaiting = true;
    const peer = await this.#rota.acquire(this.range.to, this.range.from, new Set(this.#asked.keys()));
    this.#isWaiting = false;
    if (peer === undefined) {
      if (this.#asking === 0 && !this.#isSettled) throw withheld(this.range, this.#rota.leftOut);
      return;
    }
    this.#asking++;
    const overtaken = new AbortController();
    this.#asked.set(peer, overtaken);
    try {
      if (this.#isSettled) return;
      const stretch = await fetch(peer, this.range, overtaken.signal);
      this.#take(stretch);
    } catch (error) {
      // Whoever was overtaken is not to blame for how that ended.
      if (!overtaken.signal.aborted) this.#rota.leaveOut(peer, leftOutFor(peer.client.name, error));
    } finally {
      this.#asking--;
      this.#rota.release(peer);
    }
    if (!this.#isSettled && this.#asking === 0) this.askAnother();
  }

  #take(stretch: Stretch): void {
    if (this.#isSettled) return;
    // In the order of asking: those before were asked earlier, and are not done yet.
    for (const [peer] of this.#asked) {
      if (peer === stretch.peer) break;
      if (this.#rota.peers.includes(peer)) this.#rota.markSlow(peer);
    }
    this.#end();
    this.#resolve(stretch);
  }

  #end(): void {
    this.#isSettled = true;
    for (const overtaken of this.#asked.values()) overtaken.abort();
  }
}

async function fetch(peer: MetPeer, { from, to }: Range, overtaken: AbortSignal): Promise<Stretch> {
  const entries: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of peer.client.entries(from, to)) {
    overtaken.throwIfAborted();
    for (const entry of chunk) {
      entries.push(entry);
      bytes += entry.length;
    }
    if (bytes >= MAX_PART_BYTES) break;
  }
  const end = from + entries.length;
  if (end > to || (end < to && bytes < MAX_PART_BYTES))
    throw refused('bad-answer', `It sent ${entries.length} entries where ${to - from} were asked for.`);
  return { from, to: end, entries, root: await provenRoot(peer, end), peer };
}

/** The root of a log's beginning, proven against the peer's newest checkpoint, which is of the history that all agree on. */
async function provenRoot({ client, newest }: MetPeer, size: number): Promise<Uint8Array> {
  if (size === newest.size) return newest.root;
  const prefix = await client.consistency(size, newest.size);
  if (continuity({ size, root: prefix.root }, newest, prefix) !== 'continues')
    throw refused('bad-answer', `It can not prove how its log of ${newest.size} entries begins.`);
  return prefix.root;
}

function withheld({ from, to }: Range, leftOut: readonly LeftOut[]): Error {
  return unreachable(
    'withheld',
    `No peer is left that gives entries ${from} to ${to - 1} of the log.${reasonsText(leftOut)}`,
    { hint: 'Try again later, or name other observers, or the organiser.' },
  );
}
