import { equalBytes } from '../../base/bytes.ts';
import { PsephosError, refused } from '../../base/errors.ts';
import { type Clock, type PeerClient, PeerRefusal } from '../ports.ts';
import type { KnownGenesis } from './known-genesis.ts';

export interface SourcesInit {
  /** Where the log can be followed, in the order of preference: what people named. */
  readonly named: readonly string[];
  /** Connects to an address or an invite. Fails as `dialPeer` does. */
  readonly dial: (address: string) => Promise<PeerClient>;
  /** The election that a source must serve. */
  readonly genesis: Pick<KnownGenesis, 'bytes'>;
  readonly clock: Clock;
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
}

export interface Search {
  readonly signal: AbortSignal;
  /** Where else the log can be followed: observers that were heard of. */
  readonly heard: () => readonly string[];
  /** Told of each address that doesn't do, and whether what is there is not honest. */
  readonly onFailure: (address: string, reason: string, isBad: boolean) => void;
}

/** As a call, since the compiler takes a property that was false for false ever after. */
export function hasEnded(signal: AbortSignal): boolean {
  return signal.aborted;
}

export interface Source {
  readonly address: string;
  readonly client: PeerClient;
}

/** How long a source that was not honest is left alone, in ms. */
const SHUN_MS = 5 * 60_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;
/** How long another source than the first is followed before the first is tried again, in ms. */
const PATIENCE_MS = 60_000;

/** Finds a peer to follow the log from: the first that was named whenever it answers, else another. */
export class Sources {
  readonly #init: SourcesInit;
  readonly #shunned = new Map<string, number>();
  #pauseMs = 0;

  constructor(init: SourcesInit) {
    this.#init = init;
  }

  /** Connects to a peer that has something to say, whatever it serves. */
  dial(address: string): Promise<PeerClient> {
    return this.#init.dial(address);
  }

  /** The first source that answers, after waiting as long as it takes; undefined once the signal is aborted. */
  async next({ signal, heard, onFailure }: Search): Promise<Source | undefined> {
    while (!signal.aborted) {
      await this.#init.pause(this.#pauseMs, signal);
      for (const address of this.#candidates(heard())) {
        if (hasEnded(signal)) return undefined;
        const client = await this.#reach(address, onFailure);
        if (client === undefined) continue;
        return { address, client };
      }
      this.#pauseMs = Math.min(LONGEST_PAUSE_MS, Math.max(FIRST_PAUSE_MS, 2 * this.#pauseMs));
    }
    return undefined;
  }

  /** Until when a source is followed before a better one is tried, in ms since 1970: for ever, where there is none. */
  patienceWith({ address }: Source): number {
    this.#pauseMs = 0;
    return address === this.#init.named[0] ? Infinity : this.#init.clock.now() + PATIENCE_MS;
  }

  /** A source failed; one that was not honest is left alone for a while. */
  failed(address: string, isBad: boolean): void {
    this.#pauseMs = FIRST_PAUSE_MS;
    if (isBad) this.#shunned.set(address, this.#init.clock.now() + SHUN_MS);
  }

  #candidates(heard: readonly string[]): string[] {
    const now = this.#init.clock.now();
    for (const [address, until] of this.#shunned) if (until <= now) this.#shunned.delete(address);
    return [...new Set([...this.#init.named, ...heard])].filter((address) => !this.#shunned.has(address));
  }

  async #reach(address: string, onFailure: Search['onFailure']): Promise<PeerClient | undefined> {
    let client: PeerClient | undefined;
    try {
      client = await this.#init.dial(address);
      const { genesis } = await client.info();
      if (!equalBytes(genesis.entry, this.#init.genesis.bytes))
        throw refused('wrong-election', 'It serves another election.');
      return client;
    } catch (error) {
      await client?.close();
      if (!isForeseen(error)) throw error;
      const isBad = isDishonest(error);
      if (isBad) this.failed(address, isBad);
      onFailure(address, error.message, isBad);
      return undefined;
    }
  }
}

/** Failures that say that a source is not honest, or not of this election. */
const DISHONEST = new Set(['bad-source', 'bad-answer', 'wrong-election', 'bad-signature']);

/** Whether a failure says so of the peer that it came from. */
export function isDishonest(error: unknown): boolean {
  return isForeseen(error) && DISHONEST.has(error.code);
}

/** Whether a failure is one that peers, networks and disks have; all others are defects. */
export function isForeseen(error: unknown): error is PsephosError | PeerRefusal {
  return error instanceof PsephosError || error instanceof PeerRefusal;
}
