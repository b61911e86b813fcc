import { equalBytes, toHex } from '../base/bytes.ts';
import { refused } from '../base/errors.ts';
import type { Result } from '../base/result.ts';
import { peerIdText } from '../crypto/peer-id.ts';
import { type LogKey, origin, parseCheckpoint } from '../log/checkpoint.ts';
import {
  type Cosignature,
  type CosignedCheckpoint,
  openCosigned,
  withCosignatures,
} from '../log/cosignature.ts';
import {
  type ForkEvidence,
  type ProvenPrefix,
  continuity,
  formatEvidence,
  judgeEvidence,
  parseEvidence,
} from '../log/evidence.ts';
import type { BallotChecks } from './ballot-checks.ts';
import type { LogView } from './log-view.ts';
import {
  type BallotCheck,
  type Clock,
  type Exchange,
  type ExchangeAnswer,
  type ObserverAddress,
  PeerRefusal,
} from './ports.ts';
import { MAX_COSIGNED, MAX_EVIDENCE, MAX_OBSERVERS, MAX_OBSERVER_ADDRESSES } from './witness-limits.ts';

/** What whoever holds a log learns from others about it. */
export type WitnessEvent =
  /** The authority signed two histories: `evidence` is a file's text that proves it. */
  | { readonly type: 'fork'; readonly first: number; readonly second: number; readonly evidence: string }
  /** The authority signed for more entries than this log, which is its own, has. */
  | { readonly type: 'unknown-history'; readonly size: number; readonly ownSize: number }
  /** An observer made itself known. */
  | { readonly type: 'observer-known'; readonly observer: ObserverAddress }
  | { readonly type: 'ballot-checked'; readonly round: number; readonly found: boolean }
  /** Something that nobody foresaw. */
  | { readonly type: 'defect'; readonly error: unknown };

export interface WitnessInit {
  readonly log: LogView;
  readonly clock: Clock;
  readonly checks: BallotChecks;
  /** Whether this is the authority, whose log must be the longest. */
  readonly isAuthority: boolean;
  readonly onEvent: (event: WitnessEvent) => void;
}

interface KnownObserver {
  readonly address: ObserverAddress;
  /** When it made itself known last, in ms. */
  readonly seen: number;
  /** The newest checkpoint that it cosigned, as far as is known here. */
  readonly cosigned: { readonly size: number; readonly text: string; readonly cosignature: Cosignature };
}

/** An observer that was not heard of for so long makes room for another, in ms. */
const FORGET_AFTER = 10 * 60_000;
/** How far an observer's clock may be off, in s. */
const CLOCK_TOLERANCE = 10 * 60;
/** Checkpoints larger than the log that wait to be compared with it. Each is signed by the authority, so that nobody else can fill this. */
const MAX_PENDING = 64;
/** Forks that are kept; the first convicts. */
const MAX_FORKS = 8;

/**
 * Where a log's holder hears of checkpoints that others have: each must be of the same history, and two that can't be are made
 * into evidence. It keeps observers' addresses and their newest cosignatures, and passes on what it knows.
 */
export class WitnessDesk {
  readonly #init: WitnessInit;
  readonly #observers = new Map<string, KnownObserver>();
  /** By what they show, so that each is kept once. */
  readonly #forks = new Map<string, string>();
  #largest = 0;
  readonly #pending = new Map<number, CosignedCheckpoint>();

  constructor(init: WitnessInit) {
    this.#init = init;
    init.log.onGrowth((size) => {
      this.#comparePending(size).catch((error: unknown) => {
        // A store that failed is reported by whoever writes to it.
        if (!init.log.suspended) init.onEvent({ type: 'defect', error });
      });
    });
  }

  /** Observers heard of lately, with what they cosigned last. */
  get observers(): readonly KnownObserver[] {
    return [...this.#observers.values()];
  }

  /** Entries of the largest checkpoint that was heard of. */
  get largestHeard(): number {
    return this.#largest;
  }

  /** Evidence that the authority signed two histories, as files' texts. */
  get forks(): readonly string[] {
    return [...this.#forks.values()];
  }

  /** Tells of the newest checkpoint that was given, and answers with what is known here. Throws `PeerRefusal`. */
  async exchange(given: Exchange): Promise<ExchangeAnswer> {
    for (const text of given.evidence) this.takeEvidence(text);
    const prefix = given.checkpoint === null ? null : await this.#take(given.checkpoint, given.observer);
    return {
      checkpoint: await this.#init.log.proofs.newestCheckpoint(),
      prefix,
      cosigned: this.cosigned(),
      observers: this.observers.map(({ address }) => address),
      evidence: this.forks.slice(0, MAX_EVIDENCE),
    };
  }

  /**
   * Compares a checkpoint, heard of anywhere, with the log; a conflict becomes evidence, and a larger one waits until the log has
   * grown. Throws `PeerRefusal` for one that the authority didn't sign.
   */
  async weigh(text: string): Promise<void> {
    await this.#take(text, null);
  }

  /** Takes evidence that somebody else found: kept where it proves a fork of this log, and passed over where it doesn't. */
  takeEvidence(text: string): void {
    const evidence = parseEvidence(text);
    if (!evidence.ok || evidence.value.kind !== 'fork') return;
    const judged = judgeEvidence(evidence.value);
    if (judged.ok && judged.value.electionId === this.#init.log.electionId) this.#keep(evidence.value);
  }

  /**
   * Takes what a peer answered to an exchange: compares every checkpoint in it, and learns of observers and evidence. Resolves to what
   * was wrong with the answer, which tells of the peer alone; nothing where it holds.
   */
  async heed(given: string | null, answer: ExchangeAnswer): Promise<string | undefined> {
    for (const text of answer.evidence) this.takeEvidence(text);
    const problem = await this.#heedPrefix(given, answer);
    if (problem !== undefined) return problem;
    try {
      await this.weigh(answer.checkpoint);
      for (const text of answer.cosigned) {
        await this.weigh(text);
        for (const observer of answer.observers) this.noteObserver(text, observer);
      }
    } catch (error) {
      if (error instanceof PeerRefusal) return error.message;
      throw error;
    }
    return undefined;
  }

  /** How the checkpoint that was given stands in the peer's log, which may be longer than this one. */
  async #heedPrefix(
    given: string | null,
    { checkpoint, prefix }: ExchangeAnswer,
  ): Promise<string | undefined> {
    if (given === null || prefix === null) return undefined;
    const [own, theirs] = [this.#open(given, null), this.#open(checkpoint, null)];
    if (!own.ok) throw new Error(`a checkpoint of our own is not good: ${own.error}`);
    if (!theirs.ok) return `its checkpoint is not good: ${theirs.error}`;
    if (own.value.size > theirs.value.size) return 'it proves something of a log that is too short for it';
    switch (continuity(own.value, theirs.value, prefix)) {
      case 'continues':
        return undefined;
      case 'unproven':
        return 'it can not prove how its log goes on from here';
      case 'conflicts':
        await this.#keepFork(own.value, theirs.value, prefix);
        return undefined;
    }
  }

  noteCheck(check: BallotCheck): Promise<void> {
    if (check.round < 1 || check.round > this.#init.log.state.rounds.length)
      return Promise.reject(new PeerRefusal('not-found', `There is no round ${check.round}.`));
    this.#init.checks.note(check);
    this.#init.onEvent({ type: 'ballot-checked', ...check });
    return Promise.resolve();
  }

  /** The newest checkpoints with observers' cosignatures, largest first. */
  cosigned(): string[] {
    const bySize = new Map<number, { text: string; cosignatures: Cosignature[] }>();
    for (const { cosigned } of this.#observers.values()) {
      const same = bySize.get(cosigned.size);
      if (same === undefined)
        bySize.set(cosigned.size, { text: cosigned.text, cosignatures: [cosigned.cosignature] });
      else same.cosignatures.push(cosigned.cosignature);
    }
    return [...bySize]
      .sort(([a], [b]) => b - a)
      .slice(0, MAX_COSIGNED)
      .map(([, { text, cosignatures }]) => withCosignatures(text, cosignatures));
  }

  /** Takes an observer's word for a checkpoint of this log; `text` has its cosignature. What doesn't hold is passed over. */
  noteObserver(text: string, observer: ObserverAddress): void {
    const opened = this.#open(text, observer);
    if (opened.ok && opened.value.size <= this.#init.log.head.size) this.#learn(opened.value, observer);
  }

  /** Of cosignatures, verifies those of observers that are known or make themselves known: strangers can make any number. */
  #open(text: string, observer: ObserverAddress | null): Result<CosignedCheckpoint, string> {
    return openCosigned(
      text,
      this.#key(),
      (key) => this.#observers.has(toHex(key)) || (observer !== null && equalBytes(key, observer.key)),
    );
  }

  #key(): LogKey {
    const { electionId, genesis } = this.#init.log;
    return { origin: origin(electionId), publicKey: genesis.authority };
  }

  /** Undefined where it is larger than the log; else how it stands in the log. */
  async #take(text: string, observer: ObserverAddress | null): Promise<ProvenPrefix | null> {
    const { log } = this.#init;
    const opened = this.#open(text, observer);
    if (!opened.ok) {
      const parsed = parseCheckpoint(text);
      throw parsed.ok && parsed.value.origin !== origin(log.electionId)
        ? new PeerRefusal('wrong-election', 'The checkpoint is of another election.')
        : new PeerRefusal('bad-signature', `The checkpoint is not good: ${opened.error}.`);
    }
    const checkpoint = opened.value;
    this.#largest = Math.max(this.#largest, checkpoint.size);
    if (checkpoint.size > log.head.size) {
      this.#await(checkpoint);
      return null;
    }
    const { prefix, stands } = await this.#compare(checkpoint);
    if (stands === 'continues') this.#learn(checkpoint, observer);
    return prefix;
  }

  async #compare(checkpoint: CosignedCheckpoint) {
    const { log } = this.#init;
    const newest = parseCheckpoint(await log.proofs.newestCheckpoint());
    if (!newest.ok) throw refused('store-damaged', `The newest checkpoint can't be read: ${newest.error}.`);
    const prefix = await log.proofs.prefix(checkpoint.size, newest.value.size);
    const stands = continuity(checkpoint, newest.value, prefix);
    if (stands === 'conflicts') await this.#keepFork(checkpoint, { bare: newest.value.text }, prefix);
    return { prefix, stands };
  }

  async #keepFork(
    first: Pick<CosignedCheckpoint, 'bare'>,
    second: Pick<CosignedCheckpoint, 'bare'>,
    prefix: ProvenPrefix,
  ): Promise<void> {
    const genesis = await this.#init.log.store.entry(0);
    if (genesis === undefined) throw refused('store-damaged', 'Entry 0 is missing from the log.');
    this.#keep({ kind: 'fork', genesis, first: first.bare, second: second.bare, ...prefix });
  }

  #await(checkpoint: CosignedCheckpoint): void {
    const { log, isAuthority, onEvent } = this.#init;
    if (this.#pending.has(checkpoint.size) || this.#pending.size >= MAX_PENDING) return;
    this.#pending.set(checkpoint.size, checkpoint);
    if (isAuthority) onEvent({ type: 'unknown-history', size: checkpoint.size, ownSize: log.head.size });
  }

  async #comparePending(size: number): Promise<void> {
    for (const [pendingSize, checkpoint] of this.#pending) {
      if (pendingSize > size) continue;
      this.#pending.delete(pendingSize);
      await this.#compare(checkpoint);
    }
  }

  #keep(evidence: ForkEvidence): void {
    const sizes = [evidence.first, evidence.second].map((text) => {
      const parsed = parseCheckpoint(text);
      if (!parsed.ok) throw new Error(`evidence with a checkpoint that can't be read: ${parsed.error}`);
      return parsed.value.size;
    });
    const [first = 0, second = 0] = sizes;
    // A history that went on conflicts anew at each size: what it conflicts with says whether it is the same one.
    const id = `${first} ${toHex(evidence.root)}`;
    if (this.#forks.has(id) || this.#forks.size >= MAX_FORKS) return;
    const text = formatEvidence(evidence);
    this.#forks.set(id, text);
    this.#init.onEvent({ type: 'fork', first, second, evidence: text });
  }

  #learn(checkpoint: CosignedCheckpoint, announced: ObserverAddress | null): void {
    const now = this.#init.clock.now();
    for (const cosignature of checkpoint.cosignatures) {
      const id = toHex(cosignature.observer);
      const before = this.#observers.get(id);
      const isAnnounced =
        announced !== null &&
        equalBytes(announced.key, cosignature.observer) &&
        announced.addresses.every((address) => isAddressOf(address, announced.key)) &&
        Math.abs(cosignature.time - now / 1000) <= CLOCK_TOLERANCE;
      const address = isAnnounced
        ? { key: announced.key, addresses: announced.addresses.slice(0, MAX_OBSERVER_ADDRESSES) }
        : before?.address;
      if (address === undefined || (before === undefined && !this.#makeRoom(now))) continue;
      const isOlder = before !== undefined && checkpoint.size < before.cosigned.size;
      this.#observers.set(id, {
        address,
        seen: isAnnounced ? now : (before?.seen ?? now),
        cosigned: isOlder ? before.cosigned : { size: checkpoint.size, text: checkpoint.bare, cosignature },
      });
      if (before === undefined) this.#init.onEvent({ type: 'observer-known', observer: address });
    }
  }

  /** Whether another observer can be kept; those not heard of for long go first. */
  #makeRoom(now: number): boolean {
    if (this.#observers.size < MAX_OBSERVERS) return true;
    for (const [id, { seen }] of this.#observers) if (now - seen > FORGET_AFTER) this.#observers.delete(id);
    return this.#observers.size < MAX_OBSERVERS;
  }
}

const ADDRESS = /^\/(?:ip4|ip6|dns|dns4|dns6)\/[A-Za-z0-9.:-]{1,253}\/tcp\/[0-9]{1,5}\/p2p\/([A-Za-z0-9]+)$/;

function isAddressOf(address: string, key: Uint8Array): boolean {
  return ADDRESS.exec(address)?.[1] === peerIdText(key);
}
