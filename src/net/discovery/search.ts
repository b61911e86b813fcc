import { sha256 } from '@noble/hashes/sha2.js';
import { LOOKUP_AT_ONCE, LOOKUP_PEERS, LOOKUP_PROVIDERS } from '../limits.ts';
import { type Answer, type Question, type SaidPeer, keyOf } from './messages.ts';

/** Asks one peer; resolves to undefined where it doesn't answer, or not in a way that can be understood. */
export type Ask = (peer: SaidPeer) => Promise<Answer | undefined>;

/**
 * Asks `entryPoints`, and then whom they name, the closest to what is looked for first, until nobody is left to ask, LOOKUP_PEERS were
 * asked or the signal aborts. Yields what is found as it comes: of one peer at other addresses each time, of observers each once. The one
 * who is looked for is never asked.
 */
export async function* search(
  question: Question,
  entryPoints: readonly SaidPeer[],
  ask: Ask,
  signal: AbortSignal,
): AsyncGenerator<SaidPeer> {
  const round = new Round(question, entryPoints);
  const asking = new Map<SaidPeer, Promise<readonly [SaidPeer, Answer | undefined]>>();
  const aborted = new Promise<undefined>((resolve) => {
    signal.addEventListener('abort', () => {
      resolve(undefined);
    });
  });
  while (!signal.aborted) {
    while (asking.size < LOOKUP_AT_ONCE) {
      const peer = round.next();
      if (peer === undefined) break;
      asking.set(
        peer,
        ask(peer).then((answer) => [peer, answer] as const),
      );
    }
    if (asking.size === 0) return;
    const first = await Promise.race([aborted, ...asking.values()]);
    if (first === undefined) return;
    const [peer, answer] = first;
    asking.delete(peer);
    if (answer !== undefined) yield* round.hear(answer);
  }
}

interface Candidate {
  readonly peer: SaidPeer;
  /** Those that were named are asked before any that others name. */
  readonly named: boolean;
  readonly distance: bigint;
}

/** Whom to ask in one search, and what was found. */
class Round {
  readonly #question: Question;
  readonly #key: Uint8Array;
  readonly #seen = new Set<string>();
  readonly #found = new Set<string>();
  #waiting: Candidate[] = [];
  #asked = 0;

  constructor(question: Question, entryPoints: readonly SaidPeer[]) {
    this.#question = question;
    this.#key = sha256(keyOf(question));
    for (const peer of entryPoints) this.#consider(peer, true);
  }

  next(): SaidPeer | undefined {
    if (this.#asked >= LOOKUP_PEERS) return undefined;
    const next = this.#waiting.shift();
    if (next !== undefined) this.#asked += 1;
    return next?.peer;
  }

  /** What is new in an answer; whom it names is asked in turn. */
  hear({ closer, providers }: Answer): SaidPeer[] {
    for (const peer of [...closer, ...providers]) this.#consider(peer, false);
    // The nearest ones are asked; nobody can have any number of others kept.
    this.#waiting = this.#waiting
      .sort((a, b) => Number(b.named) - Number(a.named) || compare(a.distance, b.distance))
      .slice(0, LOOKUP_PEERS);
    const { found, key } =
      'peer' in this.#question
        ? { found: onlyOf(closer, this.#question.peer), key: whereOf }
        : { found: providers, key: ({ peerId }: SaidPeer) => peerId };
    return found.filter((peer) => {
      const isNew = peer.addresses.length > 0 && !this.#found.has(key(peer));
      if (isNew && 'electionId' in this.#question && this.#found.size >= LOOKUP_PROVIDERS) return false;
      this.#found.add(key(peer));
      return isNew;
    });
  }

  #consider(peer: SaidPeer, named: boolean): void {
    const isTarget = 'peer' in this.#question && peer.peerId === this.#question.peer;
    if (isTarget || peer.addresses.length === 0 || this.#seen.has(peer.peerId)) return;
    this.#seen.add(peer.peerId);
    this.#waiting.push({ peer, named, distance: distance(this.#key, peer.peerId) });
  }
}

function onlyOf(peers: readonly SaidPeer[], peerId: string): SaidPeer[] {
  return peers.filter((peer) => peer.peerId === peerId).slice(0, 1);
}

function whereOf({ addresses }: SaidPeer): string {
  return [...addresses].sort().join();
}

/** As Kademlia has it: the bits in which the hashes differ, read as a number. */
function distance(key: Uint8Array, peerId: string): bigint {
  const own = sha256(keyOf({ peer: peerId }));
  return own.reduce((sum, byte, index) => (sum << 8n) | BigInt(byte ^ (key[index] as number)), 0n);
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
