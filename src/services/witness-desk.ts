import { equalBytes, toHex } from '../base/bytes.ts';
import { refused } from '../base/errors.ts';
import type { Result } from '../base/result.ts';
import { peerIdText } from '../crypto/peer-id.ts';
import { type Checkpoint, type LogKey, origin, parseCheckpoint } from '../log/checkpoint.ts';
import {
  type Cosignature,
  type CosignedCheckpoint,
  MAX_COSIGNATURES,
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
  type BallotCheckReport,
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
  | {
      readonly type: 'unknown-history';
      readonly size: number;
      readonly ownSize: number;
      readonly checkpoint: string;
    }
  /** An observer made itself known. */
  | { readonly type: 'observer-known'; readonly observer: ObserverAddress }
  | ({ readonly type: 'ballots-checked' } & BallotCheckReport)
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
    // What is proven is proven for this one, however the log grows meanwhile.
    const checkpoint = await this.#init.log.proofs.newestCheckpoint();
    const announced = given.observer === null ? [] : [given.observer];
    const prefix =
      given.checkpoint === null ? null : await this.#take(given.checkpoint, announced, checkpoint);
    return {
      checkpoint,
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
    await this.#take(text, []);
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
      for (const text of answer.cosigned) await this.#take(text, answer.observers);
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
    if (given === null) return undefined;
    const [own, theirs] = [this.#open(given, []), this.#open(checkpoint, [])];
    if (!own.ok) throw new Error(`a checkpoint of our own is not good: ${own.error}`);
    if (!theirs.ok) return `its checkpoint is not good: ${theirs.error}`;
    if (own.value.size > theirs.value.size)
      return prefix === null ? undefined : 'it proves something of a log that is too short for it';
    if (prefix === null) return 'it does not prove how its log goes on from here';
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

  /** Counts what voters' programs found. Rejects with `PeerRefusal` for a round that there is not. */
  noteChecks(report: BallotCheckReport): Promise<void> {
    if (report.round < 1 || report.round > this.#init.log.state.rounds.length)
      return Promise.reject(new PeerRefusal('not-found', `There is no round ${report.round}.`));
    this.#init.checks.note(report);
    this.#init.onEvent({ type: 'ballots-checked', ...report });
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
      .flatMap(([, { text, cosignatures }]) =>
        inRuns(cosignatures).map((some) => withCosignatures(text, some)),
      )
      .slice(0, MAX_COSIGNED);
  }

  /** Takes note of an observer that is trusted: `text` is a checkpoint of this log, with its cosignature. */
  noteObserver(text: string, observer: ObserverAddress): void {
    const opened = this.#open(text, [observer]);
    if (opened.ok) this.#learn(opened.value, [observer]);
  }

  /**
   * Of cosignatures, verifies those of observers that are known or make themselves known, since strangers can make any number; and none
   * that was verified before, since peers tell each other the same again and again.
   */
  #open(text: string, announced: readonly ObserverAddress[]): Result<CosignedCheckpoint, string> {
    const keys = new Set(announced.map(({ key }) => toHex(key)));
    return openCosigned(text, this.#key(), (key, line) => {
      const known = this.#observers.get(toHex(key));
      return known === undefined ? keys.has(toHex(key)) : known.cosigned.cosignature.line !== line;
    });
  }

  #key(): LogKey {
    const { electionId, genesis } = this.#init.log;
    return { origin: origin(electionId), publicKey: genesis.authority };
  }

  /**
   * How a checkpoint stands in the log of `newest`, the log's own newest one unless given; null where it is larger. Learns of observers
   * whose cosignature it has.
   */
  async #take(
    text: string,
    announced: readonly ObserverAddress[],
    newest?: string,
  ): Promise<ProvenPrefix | null> {
    const { log } = this.#init;
    const opened = this.#open(text, announced);
    if (!opened.ok) {
      const parsed = parseCheckpoint(text);
      throw parsed.ok && parsed.value.origin !== origin(log.electionId)
        ? new PeerRefusal('wrong-election', 'The checkpoint is of another election.')
        : new PeerRefusal('bad-signature', `The checkpoint is not good: ${opened.error}.`);
    }
    const checkpoint = opened.value;
    this.#largest = Math.max(this.#largest, checkpoint.size);
    const own = readOwn(newest ?? (await log.proofs.newestCheckpoint()));
    if (checkpoint.size > own.size) {
      await this.#await(checkpoint);
      return null;
    }
    const { prefix, stands } = await this.#compare(checkpoint, own);
    if (stands === 'continues') this.#learn(checkpoint, announced);
    return prefix;
  }

  async #compare(checkpoint: CosignedCheckpoint, own: Checkpoint) {
    const prefix = await this.#init.log.proofs.prefix(checkpoint.size, own.size);
    const stands = continuity(checkpoint, own, prefix);
    if (stands === 'conflicts') await this.#keepFork(checkpoint, { bare: own.text }, prefix);
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

  /** Keeps a checkpoint of more entries until the log has as many. Of two that are kept, the same size with another root is a fork. */
  async #await(checkpoint: CosignedCheckpoint): Promise<void> {
    const { log, isAuthority, onEvent } = this.#init;
    const same = this.#pending.get(checkpoint.size);
    if (same !== undefined) {
      if (equalBytes(same.root, checkpoint.root)) return;
      return this.#keepFork(same, checkpoint, { root: checkpoint.root, proof: [] });
    }
    if (this.#pending.size >= MAX_PENDING) return;
    this.#pending.set(checkpoint.size, checkpoint);
    const { size, bare } = checkpoint;
    if (isAuthority) onEvent({ type: 'unknown-history', size, ownSize: log.head.size, checkpoint: bare });
    // It may have grown while this was found out.
    await this.#comparePending(log.head.size);
  }

  async #comparePending(size: number): Promise<void> {
    for (const [pendingSize, checkpoint] of this.#pending) {
      if (pendingSize > size) continue;
      this.#pending.delete(pendingSize);
      await this.#compare(checkpoint, readOwn(await this.#init.log.proofs.newestCheckpoint()));
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

  /** Takes note of who cosigned a checkpoint of this log: of observers that are known, or are announced with a fresh cosignature. */
  #learn(checkpoint: CosignedCheckpoint, announced: readonly ObserverAddress[]): void {
    const now = this.#init.clock.now();
    for (const cosignature of checkpoint.cosignatures) {
      const id = toHex(cosignature.observer);
      const before = this.#observers.get(id);
      // Who repeats what an observer said before changes nothing: not its address, either.
      if (before !== undefined && !isNewer({ size: checkpoint.size, cosignature }, before.cosigned)) continue;
      const isFresh = Math.abs(cosignature.time - now / 1000) <= CLOCK_TOLERANCE;
      const address =
        (isFresh ? announcedAddress(cosignature.observer, announced) : undefined) ?? before?.address;
      if (address === undefined || (before === undefined && !this.#makeRoom(now))) continue;
      const cosigned = { size: checkpoint.size, text: checkpoint.bare, cosignature };
      this.#observers.set(id, { address, seen: isFresh ? now : (before?.seen ?? now), cosigned });
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

/** Reads a checkpoint of our own store. */
function readOwn(text: string): Checkpoint {
  const parsed = parseCheckpoint(text);
  if (!parsed.ok) throw refused('store-damaged', `The newest checkpoint can't be read: ${parsed.error}.`);
  return parsed.value;
}

type Cosigned = Pick<KnownObserver['cosigned'], 'size' | 'cosignature'>;

function isNewer(one: Cosigned, other: Cosigned): boolean {
  return one.size === other.size ? one.cosignature.time > other.cosignature.time : one.size > other.size;
}

/** Where an observer can be dialled, as it is announced: nowhere, if any of the addresses is another's. */
function announcedAddress(
  key: Uint8Array,
  announced: readonly ObserverAddress[],
): ObserverAddress | undefined {
  const own = announced.find((one) => equalBytes(one.key, key));
  if (own?.addresses.every((address) => isAddressOf(address, key)) !== true) return undefined;
  return { key, addresses: own.addresses.slice(0, MAX_OBSERVER_ADDRESSES) };
}

/** A note has room for so many, and no reader takes more of one. */
function inRuns(cosignatures: readonly Cosignature[]): Cosignature[][] {
  const runs: Cosignature[][] = [];
  for (let at = 0; at < cosignatures.length; at += MAX_COSIGNATURES)
    runs.push(cosignatures.slice(at, at + MAX_COSIGNATURES));
  return runs;
}

/** Direct, or through a relay. */
const ADDRESS =
  /^\/(?:ip4|ip6|dns|dns4|dns6)\/[A-Za-z0-9.:-]{1,253}\/tcp\/[0-9]{1,5}(?:\/p2p\/[A-Za-z0-9]+\/p2p-circuit)?\/p2p\/([A-Za-z0-9]+)$/;

function isAddressOf(address: string, key: Uint8Array): boolean {
  return ADDRESS.exec(address)?.[1] === peerIdText(key);
}
