import { equalBytes } from '../base/bytes.ts';
import { unreachable, messageOf } from '../base/errors.ts';
import type { EntryChecker } from '../audit/checker.ts';
import { parseCheckpoint } from '../log/checkpoint.ts';
import type { BallotChecks } from './ballot-checks.ts';
import type { LogCopy } from './log-copy.ts';
import { Cosigner } from './observing/cosigner.ts';
import { type Alarm, type ObserverEvent, type ObserverListener, isAlarm } from './observing/events.ts';
import { Gossip } from './observing/gossip.ts';
import { InvalidLog, LogIntake, MAX_UNCOVERED_BYTES, badSource } from './observing/intake.ts';
import type { KnownGenesis } from './observing/known-genesis.ts';
import { type Source, type Sources, hasEnded, isDishonest } from './observing/sources.ts';
import {
  type Clock,
  type Exchange,
  type ObserverAddress,
  type PeerClient,
  PeerRefusal,
  isForeseen,
} from './ports.ts';
import { WitnessDesk } from './witness-desk.ts';

export interface ObserverInit {
  readonly copy: LogCopy;
  readonly genesis: KnownGenesis;
  /** The key that cosigns. */
  readonly key: { readonly seed: Uint8Array; readonly publicKey: Uint8Array };
  /** Makes what checks entries; called again when the audit has to begin anew. */
  readonly makeChecker: () => EntryChecker;
  readonly sources: Sources;
  /** Addresses of observers to compare notes with, besides those that are heard of. */
  readonly companions: readonly string[];
  readonly checks: BallotChecks;
  /** Where this observer can be dialled now. */
  readonly addresses: () => readonly string[];
  readonly clock: Clock;
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly onEvent: ObserverListener;
  /** Told how many entries of the copy are audited, while an audit begins anew. */
  readonly onProgress: (done: number) => void;
  /** What a source may send that nobody signed for; MAX_UNCOVERED_BYTES if not given. */
  readonly maxUncoveredBytes?: number;
}

/** How long to wait before going on after a failed write or a defect, in ms. */
const RESUME_EVERY_MS = 5_000;
/** A source that gives no entry for so long, in ms, while others have more, is left for another. */
const WITHHELD_MS = 60_000;
/** Of so many peers it is remembered that whoever runs the observer was warned of them; more than are known at a time. */
const MAX_TOLD_OF = 1024;
/** How often an observer compares notes with others when nothing happens, in ms. */
const GOSSIP_EVERY_MS = 5_000;

/**
 * An observer: follows an election's log from any peer that has it, checks every entry, keeps a copy, cosigns checkpoints, and compares
 * notes with others. What it serves is the copy (`ServedLog`). Nothing that a peer sends ends it.
 */
export class Observer {
  readonly #init: ObserverInit;
  readonly #alarms: Alarm[] = [];
  readonly #desk: WitnessDesk;
  readonly #gossip: Gossip;
  readonly #cosigner: Cosigner;
  #intake: LogIntake;
  #checker: EntryChecker;
  #source: PeerClient | undefined;
  #caughtUp: { readonly size: number; readonly at: number } | undefined;
  /** Peers that were said not to be believed in what they tell. */
  readonly #toldOf = new Set<string>();
  /** The fewest entries that the authority showed, of more that it had signed for. */
  #rolledBackTo = Infinity;
  /** Whether a cosignature is due as soon as the last one is old enough. */
  #willCosign = false;
  readonly #ending = new AbortController();

  /** Audits what the copy holds. Throws `copy-invalid` where that breaks the rules. */
  static async begin(init: ObserverInit): Promise<Observer> {
    const checker = init.makeChecker();
    try {
      return new Observer(init, await intakeBehind(init, checker), checker);
    } catch (error) {
      await checker.close();
      throw error;
    }
  }

  private constructor(init: ObserverInit, intake: LogIntake, checker: EntryChecker) {
    this.#init = init;
    this.#intake = intake;
    this.#checker = checker;
    this.#desk = new WitnessDesk({
      log: init.copy,
      clock: init.clock,
      checks: init.checks,
      isAuthority: false,
      onEvent: (event) => {
        // It makes itself known to its own desk as well.
        if (event.type !== 'observer-known' || !this.#isSelf(event.observer)) this.#tell(event);
      },
    });
    this.#cosigner = new Cosigner(init);
    this.#gossip = new Gossip({
      desk: this.#desk,
      named: init.companions,
      dial: (address) => init.sources.dial(address),
      pause: init.pause,
      onBadPeer: (peer, reason) => {
        // It is asked again and again, and strangers can make any number of such peers up.
        if (this.#toldOf.has(peer)) return;
        if (this.#toldOf.size >= MAX_TOLD_OF) this.#toldOf.clear();
        this.#toldOf.add(peer);
        this.#tell({ type: 'bad-source', peer, reason });
      },
      onDefect: (error) => {
        // A store that failed is reported where it is written to, and at the end connections break.
        if (!hasEnded(this.#ending.signal) && !init.copy.suspended) this.#tell({ type: 'defect', error });
      },
    });
  }

  /** What voters' programs told this observer. */
  get checks(): BallotChecks {
    return this.#init.checks;
  }

  get desk(): WitnessDesk {
    return this.#desk;
  }

  /** What the authority did that it must not do, oldest first. While there is any, nothing is cosigned. */
  get alarms(): readonly Alarm[] {
    return this.#alarms;
  }

  /** Whether a source answers; when all that it has was on disk last, in ms; the newest cosigned size. */
  get standing(): {
    readonly source: string | null;
    readonly caughtUpAt: number | null;
    readonly cosigned: number | null;
  } {
    return {
      source: this.#source?.name ?? null,
      caughtUpAt: this.#caughtUp?.at ?? null,
      cosigned: this.#cosigner.last?.size ?? null,
    };
  }

  /** Follows and compares notes until the signal is aborted. Throws `copy-invalid`, and what reading the copy throws. */
  async run(signal: AbortSignal): Promise<void> {
    const ending = this.#ending;
    const end = (): void => {
      ending.abort();
    };
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
    const gossiping = this.#gossipOn(ending.signal);
    try {
      await this.#followAll(ending.signal);
    } finally {
      end();
      signal.removeEventListener('abort', end);
      await this.#gossip.close();
      await gossiping;
      await this.#intake.settled();
      await this.#checker.close();
    }
  }

  /** Compares notes with the source and with other observers, at once. */
  async compareNotes(): Promise<void> {
    const given = this.#given();
    await Promise.all([
      this.#source === undefined ? undefined : this.#gossip.tell(this.#source, given),
      this.#gossip.round(given, this.#others),
    ]);
  }

  async #followAll(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const source = await this.#nextSource(signal);
        if (source === undefined) return;
        await this.#followSource(source, signal);
      } catch (error) {
        // What an abort makes of a connection is not what went wrong.
        if (hasEnded(signal)) return;
        if (isForeseen(error)) throw error;
        this.#tell({ type: 'defect', error });
        await this.#init.pause(RESUME_EVERY_MS, signal);
        if (!hasEnded(signal)) await this.#restartIntake();
      }
    }
  }

  #nextSource(signal: AbortSignal): Promise<Source | undefined> {
    return this.#init.sources.next({
      signal,
      heard: () => this.#others.flatMap(({ addresses }) => addresses.slice(0, 1)),
      onFailure: (peer, reason, isBad) => {
        this.#tell({ type: isBad ? 'bad-source' : 'source-lost', peer, reason });
      },
    });
  }

  async #followSource(source: Source, signal: AbortSignal): Promise<void> {
    const { client, address } = source;
    this.#source = client;
    try {
      await this.#follow(source, signal);
      await client.close();
    } catch (error) {
      // It may be the authority that signed two histories, and then the peer can prove the one that it has.
      const mayProveFork = isDishonest(error) && this.#init.copy.head.size > 0 && !hasEnded(signal);
      if (mayProveFork) void this.#gossip.part(client, this.#given());
      else await client.close();
      if (hasEnded(signal)) return;
      this.#init.sources.failed(address, error instanceof InvalidLog || isDishonest(error));
      if (this.#hasLessThanOthers()) this.#init.sources.withheld(address);
      await this.#afterFailure(error, client.name, signal);
    } finally {
      this.#source = undefined;
    }
  }

  async #follow(source: Source, signal: AbortSignal): Promise<void> {
    const { client } = source;
    const isAuthority = this.#isAuthority(client);
    const until = this.#init.sources.patienceWith(source);
    let grewAt = this.#init.clock.now();
    this.#intake.forget();
    this.#tell({ type: 'following', peer: client.name, isAuthority, from: this.#intake.next });
    for await (const update of client.follow(this.#intake.next)) {
      if (signal.aborted) return;
      if ('entries' in update) {
        this.#intake.entries(update.entries);
        grewAt = this.#init.clock.now();
        continue;
      }
      if (update.checkpoint === undefined) throw badSource('it has no checkpoint');
      await this.#takeCheckpoint(update.checkpoint);
      if ('caughtUp' in update) await this.#atEnd(client, update.checkpoint, isAuthority);
      if (this.#hasLessThanOthers() && this.#init.clock.now() - grewAt >= WITHHELD_MS) throw withheld();
      if (this.#init.clock.now() >= until) return;
    }
  }

  /** Whether the authority is known to have signed for more entries than were given so far. */
  #hasLessThanOthers(): boolean {
    return this.#desk.largestHeard > this.#intake.next;
  }

  async #takeCheckpoint(text: string): Promise<void> {
    let isNew;
    try {
      isNew = await this.#intake.covered(text);
    } catch (error) {
      // Where the authority signed for it, it is of a history that is not here: kept until it can be compared.
      if (isDishonest(error)) await this.#weigh(text);
      throw error;
    }
    if (!isNew && text !== this.#init.copy.newestCheckpoint) await this.#weigh(text);
  }

  async #weigh(text: string): Promise<void> {
    if (this.#init.copy.head.size === 0) return;
    try {
      await this.#desk.weigh(text);
    } catch (error) {
      // The authority did not sign it: whoever sent it was found out before.
      if (!(error instanceof PeerRefusal)) throw error;
    }
  }

  /** All that the source has was taken, and it says so by this checkpoint. */
  async #atEnd(client: PeerClient, text: string, isAuthority: boolean): Promise<void> {
    await this.#intake.flush();
    const { size } = this.#init.copy.head;
    const isNews = size !== this.#caughtUp?.size;
    this.#caughtUp = { size, at: this.#init.clock.now() };
    if (isNews) this.#tell({ type: 'caught-up', size });
    const isRolledBack = isAuthority && this.#lookForRollback(text, size);
    // An authority that runs from an old copy must hear of it before it signs anything more.
    if (this.#cosignNewest() || isRolledBack) void this.#gossip.tell(client, this.#given());
  }

  #lookForRollback(text: string, ownSize: number): boolean {
    const shown = parseCheckpoint(text);
    if (!shown.ok || shown.value.size >= Math.min(ownSize, this.#rolledBackTo)) return false;
    this.#rolledBackTo = shown.value.size;
    this.#tell({ type: 'rolled-back', size: shown.value.size, ownSize });
    return true;
  }

  /** Cosigns the copy's newest checkpoint, unless it did so lately; whether it did. */
  #cosignNewest(): boolean {
    if (this.#alarms.length > 0) return false;
    const wait = this.#cosigner.cosign();
    if (wait !== undefined && wait > 0) this.#cosignIn(wait);
    const { last } = this.#cosigner;
    if (wait !== 0 || last === undefined) return false;
    const self = this.#self();
    if (self !== null) this.#desk.noteObserver(last.text, self);
    this.#tell({ type: 'cosigned', size: last.size });
    return true;
  }

  /** Whoever cast what came so soon after the last cosignature waits for the next one. */
  #cosignIn(ms: number): void {
    if (this.#willCosign) return;
    this.#willCosign = true;
    void this.#init.pause(ms, this.#ending.signal).then(() => {
      this.#willCosign = false;
      const source = this.#source;
      if (hasEnded(this.#ending.signal) || !this.#cosignNewest() || source === undefined) return;
      void this.#gossip.tell(source, this.#given());
    });
  }

  async #gossipOn(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#init.pause(GOSSIP_EVERY_MS, signal);
      if (hasEnded(signal)) return;
      this.#cosignNewest();
      if (this.#init.copy.suspended || this.#init.copy.head.size === 0) continue;
      await this.compareNotes();
      await this.#passChecksOn();
    }
  }

  /** To the organiser alone: between observers that follow each other, counts would go in circles. */
  async #passChecksOn(): Promise<void> {
    const source = this.#source;
    if (source !== undefined && this.#isAuthority(source))
      await this.#gossip.passOn(source, this.#init.checks);
  }

  #isAuthority({ peerKey }: PeerClient): boolean {
    return equalBytes(peerKey, this.#init.genesis.entry.authority);
  }

  /** Says what ended the following of a source, and makes the intake usable again. */
  async #afterFailure(error: unknown, peer: string, signal: AbortSignal): Promise<void> {
    // Whether the disk can be written shows when the write under way has ended.
    await this.#intake.settled();
    if (this.#init.copy.suspended) {
      this.#tell({ type: 'store-suspended', reason: messageOf(error) });
      await this.#resume(signal);
      if (!hasEnded(signal)) await this.#restartIntake();
    } else if (error instanceof InvalidLog) {
      this.#tell({ type: 'invalid-log', finding: error.finding, checkpoint: error.checkpoint.text });
      await this.#restartIntake();
    } else if (isDishonest(error)) {
      this.#tell({ type: 'bad-source', peer, reason: messageOf(error) });
    } else if (isForeseen(error)) {
      this.#tell({ type: 'source-lost', peer, reason: messageOf(error) });
    } else {
      throw error;
    }
  }

  async #resume(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#init.pause(RESUME_EVERY_MS, signal);
      if (hasEnded(signal)) return;
      try {
        await this.#init.copy.resume();
        this.#tell({ type: 'store-resumed' });
        return;
      } catch (error) {
        // The disk is still full, or worse; whoever runs the observer was told.
        if (!isForeseen(error)) throw error;
      }
    }
  }

  async #restartIntake(): Promise<void> {
    await this.#intake.settled();
    await this.#checker.close();
    this.#checker = this.#init.makeChecker();
    this.#intake = await intakeBehind(this.#init, this.#checker);
  }

  /** What is told to others: the newest checkpoint that was cosigned or, while nothing is, the newest. */
  #given(): Exchange {
    const cosigned = this.#alarms.length === 0 ? this.#cosigner.last?.text : undefined;
    return {
      checkpoint: cosigned ?? this.#init.copy.newestCheckpoint ?? null,
      observer: this.#self(),
      evidence: this.#desk.forks,
    };
  }

  /** Null where nobody could dial it, or nothing is cosigned. */
  #self(): ObserverAddress | null {
    const addresses = this.#init.addresses();
    return addresses.length === 0 || this.#cosigner.last === undefined
      ? null
      : { key: this.#init.key.publicKey, addresses };
  }

  #isSelf({ key }: Pick<ObserverAddress, 'key'>): boolean {
    return equalBytes(key, this.#init.key.publicKey);
  }

  /** Other observers that were heard of. */
  get #others(): readonly ObserverAddress[] {
    return this.#desk.observers.map(({ address }) => address).filter((one) => !this.#isSelf(one));
  }

  #tell(event: ObserverEvent): void {
    if (isAlarm(event)) {
      // An invalid log is found again whenever its source is tried again.
      if (this.#alarms.some((alarm) => isSameFinding(alarm, event))) return;
      this.#alarms.push(event);
    }
    this.#init.onEvent(event);
  }
}

/** What a source does that is behind, or keeps something back; it proves nothing against anybody. */
function withheld(): Error {
  return unreachable('withheld', 'It gives no more entries, while others have more.');
}

function isSameFinding(one: Alarm, other: Alarm): boolean {
  return one.type === 'invalid-log' && other.type === 'invalid-log' && one.checkpoint === other.checkpoint;
}

function intakeBehind(init: ObserverInit, checker: EntryChecker): Promise<LogIntake> {
  const { copy, genesis, onProgress, maxUncoveredBytes = MAX_UNCOVERED_BYTES } = init;
  return LogIntake.behind({ copy, genesis, checker, onProgress, maxUncoveredBytes });
}
