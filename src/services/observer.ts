import { PsephosError, refused } from '../base/errors.ts';
import { equalBytes } from '../base/bytes.ts';
import type { EntryChecker } from '../audit/checker.ts';
import { cosign, withCosignatures } from '../log/cosignature.ts';
import { parseCheckpoint } from '../log/checkpoint.ts';
import type { BallotChecks } from './ballot-checks.ts';
import type { LogCopy } from './log-copy.ts';
import { type Alarm, type ObserverEvent, type ObserverListener, isAlarm } from './observing/events.ts';
import { Gossip } from './observing/gossip.ts';
import { InvalidLog, LogIntake } from './observing/intake.ts';
import type { KnownGenesis } from './observing/known-genesis.ts';
import { type Sources, hasEnded } from './observing/sources.ts';
import { type Clock, type ObserverAddress, type PeerClient, PeerRefusal } from './ports.ts';
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
}

/** How long to wait between attempts to open the store again after a failed write, in ms. */
const RESUME_EVERY_MS = 5_000;
/** Cosignatures are made no more often than this, in ms: each costs every reader of the checkpoint a verification. */
const COSIGN_EVERY_MS = 1_000;
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
  #intake: LogIntake;
  #checker: EntryChecker;
  #source: { readonly client: PeerClient; readonly isAuthority: boolean } | undefined;
  #cosigned: { readonly size: number; readonly text: string; readonly at: number } | undefined;
  #caughtUpAt: number | undefined;
  #rolledBackTo: number | undefined;

  /** Audits what the copy holds. Throws `copy-invalid` where that breaks the rules. */
  static async begin(init: ObserverInit): Promise<Observer> {
    const checker = init.makeChecker();
    try {
      const { copy, genesis, onProgress } = init;
      return new Observer(init, await LogIntake.behind(copy, genesis, { checker, onProgress }), checker);
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
        if (event.type !== 'observer-known' || !equalBytes(event.observer.key, init.key.publicKey))
          this.#tell(event);
      },
    });
    this.#gossip = new Gossip({
      desk: this.#desk,
      own: init.key.publicKey,
      named: init.companions,
      dial: (address) => init.sources.dial(address),
      onBadPeer: (peer, reason) => {
        this.#tell({ type: 'bad-source', peer, reason });
      },
    });
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
      source: this.#source?.client.name ?? null,
      caughtUpAt: this.#caughtUpAt ?? null,
      cosigned: this.#cosigned?.size ?? null,
    };
  }

  /** Follows and compares notes until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      await Promise.all([this.#followAll(signal), this.#gossipOn(signal)]);
    } finally {
      await this.#intake.settled();
      await this.#gossip.close();
      await this.#checker.close();
    }
  }

  /** Compares notes with the source and with other observers, at once. */
  async compareNotes(): Promise<void> {
    const given = await this.#given();
    if (this.#source !== undefined) await this.#gossip.tell(this.#source.client, given);
    await this.#gossip.round(given);
  }

  async #followAll(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const source = await this.#init.sources.next(signal, (peer, reason) => {
        this.#tell({ type: 'source-lost', peer, reason });
      });
      if (source === undefined) return;
      const { client } = source;
      const isAuthority = equalBytes(client.peerKey, this.#init.genesis.entry.authority);
      this.#source = { client, isAuthority };
      this.#tell({ type: 'following', peer: client.name, isAuthority, from: this.#intake.next });
      try {
        await this.#follow(client, isAuthority, signal);
      } catch (error) {
        if (hasEnded(signal)) return;
        await this.#afterFailure(error, client.name, signal);
        this.#init.sources.failed(source, isBad(error));
      } finally {
        this.#source = undefined;
        await client.close();
      }
    }
  }

  async #follow(client: PeerClient, isAuthority: boolean, signal: AbortSignal): Promise<void> {
    const until = this.#init.sources.patienceWith(client);
    for await (const update of client.follow(this.#intake.next)) {
      if (signal.aborted) return;
      if ('entries' in update) {
        await this.#intake.entries(update.entries);
        continue;
      }
      if (update.checkpoint === undefined) throw refused('bad-source', 'The source has no checkpoint.');
      if ('caughtUp' in update) await this.#caughtUp(client, update.checkpoint, isAuthority);
      else await this.#intake.covered(update.checkpoint);
      if (until !== undefined && this.#init.clock.now() >= until) return;
    }
  }

  async #caughtUp(client: PeerClient, text: string, isAuthority: boolean): Promise<void> {
    const before = this.#init.copy.head.size;
    await this.#intake.caughtUp(text);
    const { size } = this.#init.copy.head;
    this.#caughtUpAt = this.#init.clock.now();
    if (size > before) {
      this.#tell({ type: 'caught-up', size });
    } else {
      // The same entries may have another root, and fewer may be a history of their own.
      await this.#desk.weigh(text);
      this.#lookForRollback(text, size, isAuthority);
    }
    if (this.#cosignNewest()) await this.#gossip.tell(client, await this.#given());
  }

  #lookForRollback(text: string, ownSize: number, isAuthority: boolean): void {
    const shown = parseCheckpoint(text);
    if (!isAuthority || !shown.ok || shown.value.size >= ownSize) return;
    if (this.#rolledBackTo === shown.value.size) return;
    this.#rolledBackTo = shown.value.size;
    this.#tell({ type: 'rolled-back', size: shown.value.size, ownSize });
  }

  /** Cosigns the copy's newest checkpoint, unless it did so lately; whether it did. */
  #cosignNewest(): boolean {
    const { copy, key, clock } = this.#init;
    const now = clock.now();
    if (this.#alarms.length > 0 || copy.head.size === (this.#cosigned?.size ?? 0)) return false;
    if (this.#cosigned !== undefined && now - this.#cosigned.at < COSIGN_EVERY_MS) return false;
    const text = copy.newestCheckpoint;
    if (text === undefined) return false;
    const line = cosign({ text }, key, Math.floor(now / 1000));
    this.#cosigned = { size: copy.head.size, text: withCosignatures(text, [{ line }]), at: now };
    const self = this.#self();
    if (self !== null) this.#desk.noteObserver(this.#cosigned.text, self);
    this.#tell({ type: 'cosigned', size: copy.head.size });
    return true;
  }

  async #gossipOn(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#init.pause(GOSSIP_EVERY_MS, signal);
      if (hasEnded(signal)) return;
      this.#cosignNewest();
      if (!this.#init.copy.suspended && this.#init.copy.head.size > 0) await this.compareNotes();
    }
  }

  /** Says what ended the following of a source, and makes the intake usable again. */
  async #afterFailure(error: unknown, peer: string, signal: AbortSignal): Promise<void> {
    // Whether the disk can be written shows when the write under way has ended.
    await this.#intake.settled();
    if (this.#init.copy.suspended) {
      this.#tell({ type: 'store-suspended', reason: messageOf(error) });
      await this.#resume(signal);
      await this.#restartIntake();
      return;
    }
    if (error instanceof InvalidLog) {
      this.#tell({ type: 'invalid-log', finding: error.finding, checkpoint: error.checkpoint.text });
    } else if (isBad(error)) {
      this.#tell({ type: 'bad-source', peer, reason: messageOf(error) });
    } else if (isForeseen(error)) {
      // What arrived so far is still good, or is found out by the next checkpoint.
      this.#tell({ type: 'source-lost', peer, reason: messageOf(error) });
      return;
    } else {
      this.#tell({ type: 'defect', error });
    }
    await this.#restartIntake();
  }

  async #resume(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#init.pause(RESUME_EVERY_MS, signal);
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
    const { copy, genesis, makeChecker, onProgress } = this.#init;
    await this.#intake.settled();
    await this.#checker.close();
    this.#checker = makeChecker();
    this.#intake = await LogIntake.behind(copy, genesis, { checker: this.#checker, onProgress });
  }

  async #given() {
    return { checkpoint: await this.#newest(), observer: this.#self(), evidence: this.#desk.forks };
  }

  /** What is told to others: the newest checkpoint that was cosigned, else the newest. */
  async #newest(): Promise<string> {
    return this.#cosigned?.text ?? (await this.#init.copy.proofs.newestCheckpoint());
  }

  /** Undefined where nobody could dial it, or nothing is cosigned. */
  #self(): ObserverAddress | null {
    const addresses = this.#init.addresses();
    return addresses.length === 0 || this.#cosigned === undefined
      ? null
      : { key: this.#init.key.publicKey, addresses };
  }

  #tell(event: ObserverEvent): void {
    if (isAlarm(event)) this.#alarms.push(event);
    this.#init.onEvent(event);
  }
}

/** Failures that say that a source is not honest, or not of this election. */
const BAD = new Set(['bad-source', 'bad-answer', 'wrong-election', 'bad-signature']);

function isBad(error: unknown): boolean {
  return error instanceof InvalidLog || (isForeseen(error) && BAD.has(error.code));
}

function isForeseen(error: unknown): error is PsephosError | PeerRefusal {
  return error instanceof PsephosError || error instanceof PeerRefusal;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
