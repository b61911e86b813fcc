import { equalBytes } from '../../base/bytes.ts';
import { refused } from '../../base/errors.ts';
import { type Clock, type PeerClient, isForeseen } from '../ports.ts';
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

/** How long a source that was not honest is left alone, and one that withheld entries is the last to be tried, in ms. */
const SHUN_MS = 5 * 60_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;
/**
 * Of the observers that were heard of some are asked at once, in turn, and not for long, in ms: strangers can make up any number of them
 * that stall, and those that were named must be tried again soon.
 */
const HEARD_AT_ONCE = 4;
const HEARD_MS = 20_000;
/** How long another source than the first is followed before the first is tried again, in ms. */
const PATIENCE_MS = 60_000;

/** Finds a peer to follow the log from: the first that was named whenever it answers, else another. */
export class Sources {
  readonly #init: SourcesInit;
  readonly #shunned = new Map<string, number>();
  readonly #withholding = new Map<string, number>();
  #pauseMs = 0;
  /** Which of those that were heard of are asked next. */
  #turn = 0;

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
      const named = this.#notShunned(this.#init.named);
      const source =
        (await this.#firstOf(
          named.filter((address) => !this.#withholding.has(address)),
          signal,
          onFailure,
        )) ??
        (await this.#quickest(hasEnded(signal) ? [] : this.#someOf(heard()), signal, onFailure)) ??
        (await this.#firstOf(
          named.filter((address) => this.#withholding.has(address)),
          signal,
          onFailure,
        ));
      if (source !== undefined) return source;
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

  /** A source gave less than others have: for a while it is followed only where nobody else can be. */
  withheld(address: string): void {
    this.#withholding.set(address, this.#init.clock.now() + SHUN_MS);
  }

  #notShunned(addresses: readonly string[]): string[] {
    const now = this.#init.clock.now();
    for (const left of [this.#shunned, this.#withholding])
      for (const [address, until] of left) if (until <= now) left.delete(address);
    return [...new Set(addresses)].filter((address) => !this.#shunned.has(address));
  }

  /** Those of the observers heard of whose turn it is. */
  #someOf(heard: readonly string[]): string[] {
    const all = this.#notShunned(heard).filter(
      (address) => !this.#init.named.includes(address) && !this.#withholding.has(address),
    );
    const from = this.#turn;
    this.#turn += HEARD_AT_ONCE;
    return Array.from(
      { length: Math.min(HEARD_AT_ONCE, all.length) },
      (_, at) => all[(from + at) % all.length] as string,
    );
  }

  async #firstOf(
    addresses: readonly string[],
    signal: AbortSignal,
    onFailure: Search['onFailure'],
  ): Promise<Source | undefined> {
    for (const address of addresses) {
      if (hasEnded(signal)) return undefined;
      const client = await this.#reach(address, onFailure);
      if (client !== undefined) return { address, client };
    }
    return undefined;
  }

  /** The one that answers first, of those that do in time; whoever answers later is hung up on. */
  async #quickest(
    addresses: readonly string[],
    signal: AbortSignal,
    onFailure: Search['onFailure'],
  ): Promise<Source | undefined> {
    if (addresses.length === 0) return undefined;
    const over = new AbortController();
    const end = (): void => {
      over.abort();
    };
    signal.addEventListener('abort', end, { once: true });
    let quickest: Source | undefined;
    const asked = addresses.map(async (address) => {
      const client = await this.#reach(address, (...failure) => {
        if (!hasEnded(over.signal)) onFailure(...failure);
      });
      if (client === undefined) return;
      if (hasEnded(over.signal)) {
        await client.close();
        return;
      }
      quickest = { address, client };
      end();
    });
    try {
      await Promise.race([Promise.all(asked), this.#init.pause(HEARD_MS, over.signal)]);
    } finally {
      signal.removeEventListener('abort', end);
      end();
    }
    return quickest;
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
