import { randomBytes } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { inProcessChecker } from '#src/audit/checker.js';
import { publicKeyOf } from '#src/crypto/signature.js';
import {
  type Deadlines,
  type DialOptions,
  type PsephosNode,
  dialPeer,
  parseDialTarget,
  startNode,
} from '#src/net/index.js';
import { BallotChecks } from '#src/services/ballot-checks.js';
import { LogCopy } from '#src/services/log-copy.js';
import { Observer } from '#src/services/observer.js';
import type { ObserverEvent } from '#src/services/observing/events.js';
import { type KnownGenesis, knownGenesis } from '#src/services/observing/known-genesis.js';
import { Sources } from '#src/services/observing/sources.js';
import type { Clock, ReadService, Store } from '#src/services/ports.js';
import { ServedLog } from '#src/services/served-log.js';
import { openLevelStore } from '#src/store/level-store.js';
import { cleanUp } from './cleanup.ts';
import { reading } from './replaced-service.ts';
import type { PollingPlace } from './polling-place.ts';
import { tempFolder } from './temp-election.ts';

export interface WatcherOptions {
  /** Where the log is followed, the first preferred. */
  readonly dial: readonly string[];
  /** Other observers to compare notes with, besides those that are heard of. */
  readonly companions?: readonly string[];
  /** A folder with a copy, or for one; a new one unless given. */
  readonly folder?: string;
  readonly seed?: Uint8Array;
  readonly clock?: Clock;
  /** How many times as long as here the program waits between attempts and rounds; 50 unless given. */
  readonly haste?: number;
  readonly maxUncoveredBytes?: number;
  readonly wrapStore?: (store: Store) => Store;
  /** Replaces methods of what its node serves, to make it lie. */
  readonly misbehave?: (service: ReadService) => Partial<ReadService>;
  readonly deadlines?: Partial<Deadlines>;
  /** How it dials. */
  readonly dialling?: Partial<DialOptions>;
  /** Where it says that it can be dialled, in the place of where it can. */
  readonly announces?: (own: readonly string[]) => readonly string[];
}

const DEFAULT_HASTE = 50;

/** A whole observer in this process: a copy in a temporary folder, what follows and gossips, and a libp2p node on ::1. */
export class Watcher {
  readonly folder: string;
  readonly copy: LogCopy;
  readonly events: ObserverEvent[] = [];
  /** What its node reported as defects. */
  readonly defects: unknown[] = [];
  readonly #changed = new Set<() => void>();
  readonly #ending = new AbortController();
  #observer: Observer | undefined;
  #node: PsephosNode | undefined;
  #running: Promise<void> = Promise.resolve();
  #ended: Promise<void> | undefined;

  /** Starts one for the election of `place`, and ends it with the test. */
  static async start(
    t: TestContext,
    place: Pick<PollingPlace, 'log'>,
    options: WatcherOptions,
  ): Promise<Watcher> {
    const genesis = await place.log.store.entry(0);
    if (genesis === undefined) throw new Error('the election has no genesis');
    return Watcher.of(t, knownGenesis(genesis), options);
  }

  static async of(t: TestContext, genesis: KnownGenesis, options: WatcherOptions): Promise<Watcher> {
    const folder = options.folder ?? (await tempFolder(t));
    const clock = options.clock ?? { now: () => Date.now() };
    const copy = await LogCopy.open({
      openStore: async () => {
        const store = await openLevelStore(join(folder, 'observer'), { create: true, program: 'a test' });
        return options.wrapStore?.(store) ?? store;
      },
      clock,
      onProgress: () => undefined,
    });
    const watcher = new Watcher(folder, copy);
    cleanUp(t, () => watcher.stop());
    await watcher.#begin(genesis, clock, options);
    return watcher;
  }

  private constructor(folder: string, copy: LogCopy) {
    this.folder = folder;
    this.copy = copy;
    copy.onGrowth(() => {
      this.#wake();
    });
  }

  get observer(): Observer {
    if (this.#observer === undefined) throw new Error('the observer has not begun');
    return this.#observer;
  }

  /** The multiaddr, with the peer id. */
  get address(): string {
    const [address] = this.#node?.addresses() ?? [];
    if (address === undefined) throw new Error('the observer does not listen');
    return address;
  }

  /** The data folder, as verify-log reads it. */
  get data(): string {
    return join(this.folder, 'observer');
  }

  /** The first event of a type, past or to come; rejects when the observer ends before. */
  async event<Type extends ObserverEvent['type']>(
    type: Type,
    where: (event: Extract<ObserverEvent, { type: Type }>) => boolean = () => true,
  ): Promise<Extract<ObserverEvent, { type: Type }>> {
    const is = (event: ObserverEvent): event is Extract<ObserverEvent, { type: Type }> =>
      event.type === type && where(event as Extract<ObserverEvent, { type: Type }>);
    let found: Extract<ObserverEvent, { type: Type }> | undefined;
    await this.until(() => (found = this.events.find(is)) !== undefined, `a "${type}" event`);
    return found as Extract<ObserverEvent, { type: Type }>;
  }

  /** Resolves when so many entries are in the copy. */
  async holds(size: number): Promise<void> {
    await this.until(() => this.copy.head.size >= size, `${size} entries`);
  }

  /** Resolves when the condition is true, which it is asked after each event and each growth of the copy. */
  async until(condition: () => boolean, what: string): Promise<void> {
    while (!condition()) {
      if (this.#ended !== undefined)
        throw new Error(`the observer ended before ${what}: ${JSON.stringify(this.events)}`);
      await new Promise<void>((resolve) => this.#changed.add(resolve));
    }
  }

  /** How many events of a type there were. */
  count(type: ObserverEvent['type']): number {
    return this.events.filter((event) => event.type === type).length;
  }

  /** Ends it, as Ctrl-C does; rejects where that ended it badly. */
  stop(): Promise<void> {
    this.#ended ??= this.#stop();
    return this.#ended;
  }

  async #stop(): Promise<void> {
    this.#ending.abort();
    this.#wake();
    try {
      await this.#running;
    } finally {
      await this.#node?.stop();
      await this.copy.close();
    }
  }

  async #begin(genesis: KnownGenesis, clock: Clock, options: WatcherOptions): Promise<void> {
    const { dial, companions = [], haste = DEFAULT_HASTE, misbehave } = options;
    const seed = options.seed ?? new Uint8Array(randomBytes(32));
    const { signal } = this.#ending;
    // Each connection listens to it.
    setMaxListeners(0, signal);
    const pause = async (ms: number, ended: AbortSignal): Promise<void> => {
      await sleep(ms / haste, undefined, { signal: ended }).catch(() => {
        // Aborted: whoever pauses looks at the signal.
      });
    };
    const observer = await Observer.begin({
      copy: this.copy,
      genesis,
      key: { seed, publicKey: publicKeyOf(seed) },
      makeChecker: inProcessChecker,
      sources: new Sources({
        named: dial,
        dial: (address) => dialPeer(parseDialTarget(address), { signal, retries: 0, ...options.dialling }),
        genesis,
        clock,
        pause,
      }),
      companions,
      checks: new BallotChecks(),
      addresses: () => {
        const own = this.#node?.addresses() ?? [];
        return options.announces?.(own) ?? own;
      },
      clock,
      pause,
      onEvent: (event) => {
        this.events.push(event);
        this.#wake();
      },
      onProgress: () => undefined,
      ...(options.maxUncoveredBytes === undefined ? {} : { maxUncoveredBytes: options.maxUncoveredBytes }),
    });
    this.#observer = observer;
    const served = new ServedLog(this.copy, observer.desk, () => clock.now());
    this.#node = await startNode({
      seed,
      listen: [{ address: '/ip6/::1/tcp/0' }],
      service: reading(served, misbehave?.(served) ?? {}),
      onDefect: (error) => this.defects.push(error),
      ...(options.deadlines === undefined ? {} : { deadlines: options.deadlines }),
    });
    this.#running = observer.run(signal);
    this.#running.catch(() => {
      // Whoever stops it gets this; whoever waits for something must not wait on.
      this.#ended ??= this.#stop();
      this.#wake();
    });
  }

  #wake(): void {
    for (const wake of this.#changed) wake();
    this.#changed.clear();
  }
}
