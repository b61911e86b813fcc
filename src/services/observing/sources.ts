import { PsephosError } from '../../base/errors.ts';
import { type Clock, type PeerClient, PeerRefusal } from '../ports.ts';

export interface SourcesInit {
  /** Where the log can be followed, in the order of preference: what people named. */
  readonly named: readonly string[];
  /** Where else: observers that were heard of. */
  readonly heard: () => readonly string[];
  /** Connects to an address or an invite. Fails as `dialPeer` does. */
  readonly dial: (address: string) => Promise<PeerClient>;
  /** Whether a peer serves the election. Throws where not. */
  readonly check: (client: PeerClient) => Promise<void>;
  readonly clock: Clock;
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
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
  #preferred: PeerClient | undefined;

  constructor(init: SourcesInit) {
    this.#init = init;
  }

  /** Connects to a peer that has something to say, whatever it serves. */
  dial(address: string): Promise<PeerClient> {
    return this.#init.dial(address);
  }

  /** The first source that answers, after waiting as long as it takes; undefined once the signal is aborted. */
  async next(
    signal: AbortSignal,
    onFailure: (peer: string, reason: string) => void,
  ): Promise<Source | undefined> {
    while (!signal.aborted) {
      await this.#init.pause(this.#pauseMs, signal);
      for (const [place, address] of this.#candidates().entries()) {
        if (hasEnded(signal)) return undefined;
        const client = await this.#reach(address, onFailure);
        if (client === undefined) continue;
        this.#preferred = place === 0 && this.#init.named[0] === address ? client : undefined;
        return { address, client };
      }
      this.#pauseMs = Math.min(LONGEST_PAUSE_MS, Math.max(FIRST_PAUSE_MS, 2 * this.#pauseMs));
    }
    return undefined;
  }

  /** Until when a source is followed before another is tried, in ms since 1970; undefined for the one to stay with. */
  patienceWith(client: PeerClient): number | undefined {
    this.#pauseMs = 0;
    return client === this.#preferred ? undefined : this.#init.clock.now() + PATIENCE_MS;
  }

  /** A source failed; one that was not honest is left alone for a while. */
  failed({ address }: Source, isBad: boolean): void {
    this.#pauseMs = FIRST_PAUSE_MS;
    if (isBad) this.#shunned.set(address, this.#init.clock.now() + SHUN_MS);
  }

  #candidates(): string[] {
    const now = this.#init.clock.now();
    const all = [...new Set([...this.#init.named, ...this.#init.heard()])];
    return all.filter((address) => (this.#shunned.get(address) ?? 0) <= now);
  }

  async #reach(
    address: string,
    onFailure: (peer: string, reason: string) => void,
  ): Promise<PeerClient | undefined> {
    let client: PeerClient | undefined;
    try {
      client = await this.#init.dial(address);
      await this.#init.check(client);
      return client;
    } catch (error) {
      await client?.close();
      if (!(error instanceof PsephosError || error instanceof PeerRefusal)) throw error;
      onFailure(address, error.message);
      return undefined;
    }
  }
}
