import { PsephosError } from '../base/errors.ts';
import type { LogSource } from '../audit/source.ts';
import type { Question } from '../election/entries.ts';
import type { VoterStanding } from '../election/rules.ts';
import type { RefusalCode } from '../election/refusal.ts';
import type { ProvenPrefix } from '../log/evidence.ts';
import type { Tile, TileReader } from '../log/tiles.ts';
import type { TrusteeMessage } from '../election/trustee-messages.ts';

/** What services need of the outside world; `store/`, `net/` and `cli/` provide it. */

export interface Clock {
  /** Milliseconds since the Unix epoch, as the machine believes. */
  now(): number;
}

/** What the index keeps of a voter: found by public key in one read. */
export interface VoterRecord extends VoterStanding {
  readonly name: string;
  readonly key: Uint8Array;
  /** Index of the voter's last ballot entry; null before the first. */
  readonly seq: number | null;
}

/** All that one append changes on disk. It is written in one atomic, synced batch, or not at all. */
export interface StoreBatch {
  /** Encoded entries; the first has index `from`. */
  readonly from: number;
  readonly entries: readonly Uint8Array[];
  readonly tiles: readonly Tile[];
  readonly checkpoint: { readonly size: number; readonly text: string };
  /** Voters' records to put, by key; the last one of a key wins. The roll's have `seq: null`, and are indexed by name too. */
  readonly voters: readonly VoterRecord[];
  /** Whether the prepared round goes: it is among the entries. */
  readonly dropDraft?: boolean;
  /** Trackers of the ballots among the entries, with their indexes. */
  readonly ballots: readonly { readonly tracker: string; readonly seq: number }[];
  /** The enrolments among the entries. The record of the key on the roll goes; that of the new key is among `voters`. */
  readonly enrolments?: readonly IndexedEnrolment[];
}

/** Where in the log a voter's own key took the place of the one on the roll. */
export interface IndexedEnrolment {
  /** The key on the roll. */
  readonly voter: Uint8Array;
  /** The new key. */
  readonly key: Uint8Array;
  readonly seq: number;
}

/** A round that is prepared but not opened: not in the log, and still free to change. */
export interface DraftRound {
  readonly title: string;
  readonly questions: readonly Question[];
  /** When to open and close by the schedule, in ms; null for by hand. */
  readonly opens: number | null;
  readonly closes: number | null;
}

/** The log and its indexes on disk. One process at a time holds it. */
export interface Store {
  /**
   * Writes a batch; resolves when it is on disk (fsync), rejects when it is not known to be. After a rejection the
   * store takes no more batches: it must be opened again, since what is on disk is unknown. One at a time; the batch must
   * not be changed afterwards.
   */
  commit(batch: StoreBatch): Promise<void>;
  entry(seq: number): Promise<Uint8Array | undefined>;
  /** As `LogSource.entries`: in chunks. Throws `store-damaged` naming the index where an entry is missing. */
  entries(from: number, to?: number): AsyncIterable<readonly Uint8Array[]>;
  /** Checkpoints of size `from` and more, by increasing size. */
  checkpoints(from: number): AsyncIterable<string>;
  latestCheckpoint(): Promise<string | undefined>;
  readonly readTile: TileReader;
  /** A voter's record by public key: one read. */
  voter(key: Uint8Array): Promise<VoterRecord | undefined>;
  voterByName(name: string): Promise<VoterRecord | undefined>;
  /** All records, by increasing key. */
  voters(): AsyncIterable<VoterRecord>;
  ballotSeq(tracker: string): Promise<number | undefined>;
  /** Index of the enrolment in which a key is the old or the new one. */
  enrolmentSeq(key: Uint8Array): Promise<number | undefined>;
  /** Records of the voters who enrolled an own key, by increasing key. */
  enrolled(): AsyncIterable<VoterRecord>;
  draft(): Promise<DraftRound | undefined>;
  setDraft(draft: DraftRound | undefined): Promise<void>;
  /** Whether the indexes (tiles, voters, trackers, enrolments) take account of every entry; else they must be made again. */
  indexesComplete(): Promise<boolean>;
  /** Drops every index (tiles, voters, trackers, enrolments); entries, checkpoints and the draft stay. */
  clearIndexes(): Promise<void>;
  /** Writes index records alone, for a rebuild; they then take account of the first `indexedSize` entries. */
  putIndexes(
    part: Pick<StoreBatch, 'tiles' | 'voters' | 'ballots' | 'enrolments'> & { readonly indexedSize: number },
  ): Promise<void>;
  close(): Promise<void>;
}

/** An error code on the wire: why something that was handed in is refused, or why the peer doesn't answer. */
export type WireCode =
  RefusalCode | 'already-enrolled' | 'too-late' | 'small-group' | 'busy' | 'internal' | 'not-found';

/** What a peer answers to `info`. Everything in it is checked against the authority's signature before use. */
export interface ElectionInfo {
  /** The genesis entry, and the newest round and the trustees if any, each with its proof of inclusion in `checkpoint`. */
  readonly genesis: ProvenEntry;
  readonly round: ProvenEntry | null;
  /** Who can decrypt, in a sealed election that has trustees. */
  readonly trustees: ProvenEntry | null;
  readonly checkpoint: string;
  /** Whether the newest round takes ballots now. */
  readonly open: boolean;
  /** The next round, if one is prepared: a promise only, in nothing signed. */
  readonly draft: DraftRound | null;
  /** Turnout of the newest round, as the peer counts it. */
  readonly turnout: LiveTurnout;
  /** The peer's clock, in ms. */
  readonly time: number;
}

export interface LiveTurnout {
  readonly voters: number;
  readonly voted: number;
  readonly ballots: number;
}

export interface ProvenEntry {
  readonly index: number;
  readonly entry: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

/** A voter's record as a peer tells it. */
export interface VoterAnswer extends VoterRecord {
  /** Whether `key` is one that the voter enrolled. */
  readonly enrolled?: boolean | undefined;
}

export type VoterQuery = { readonly key: Uint8Array } | { readonly name: string };

/** Which entry is to be proven: by its index, a ballot by its tracker, or what opened a round by the round's number. */
export type InclusionQuery =
  { readonly index: number } | { readonly tracker: string } | { readonly round: number };

/** The root of a log's first entries, with the proof that leads from it to a checkpoint of that log. */
export interface ConsistencyAnswer extends ProvenPrefix {
  /** The newest. */
  readonly checkpoint: string;
}

/** What a peer tells another of the checkpoints and observers that it knows. */
export interface Exchange {
  /** The largest checkpoint that it knows, with the cosignatures that it knows of it; null for none. */
  readonly checkpoint: string | null;
  /** An observer, whose cosignature is on `checkpoint`, and where it can be dialled. */
  readonly observer: ObserverAddress | null;
  /** What convicts the authority by itself: forks, as evidence files' text. */
  readonly evidence: readonly string[];
}

/** An observer, and its multiaddrs, each ending in its peer id. */
export interface ObserverAddress {
  /** Ed25519 public key: of the libp2p identity and of the cosignatures. */
  readonly key: Uint8Array;
  readonly addresses: readonly string[];
}

/** What a peer answers to an exchange. Nothing in it is to be believed before it is checked. */
export interface ExchangeAnswer {
  /** The newest checkpoint of the log that it serves. */
  readonly checkpoint: string;
  /** How the given checkpoint, where it is no larger, stands in that log; else null. */
  readonly prefix: ProvenPrefix | null;
  /** The newest checkpoints that observers cosigned, as far as the peer knows, with these cosignatures. */
  readonly cosigned: readonly string[];
  readonly observers: readonly ObserverAddress[];
  readonly evidence: readonly string[];
}

/** What voters' programs came to that looked for ballots of their own: how many found theirs, and how many did not. It names nobody. */
export interface BallotCheckReport {
  readonly round: number;
  readonly found: number;
  readonly missing: number;
}

/** What a voter's program remembers of an election from one run to the next. */
export interface Remembered {
  /** The largest checkpoint that it saw, with the cosignatures that it knows of it; null before the first. */
  readonly checkpoint: string | null;
  /** Observers that it heard of, the latest first. */
  readonly observers: readonly ObserverAddress[];
  readonly receipts: readonly KeptReceipt[];
}

/** What is remembered before the first visit. */
export const NOTHING_REMEMBERED: Remembered = { checkpoint: null, observers: [], receipts: [] };

/** The receipt of a ballot that was cast from here, or of a key that was enrolled. */
export interface KeptReceipt {
  readonly text: string;
  /** The round of a ballot; null for a key. */
  readonly round: number | null;
  /** Entries of the largest log in which it was looked for and found; null before the first time. */
  readonly found: number | null;
}

/** Where a voter's program remembers one election; it may be nowhere. Neither method fails: what can't be kept is told elsewhere. */
export interface VoterMemory {
  recall(): Promise<Remembered>;
  /** Puts what `how` makes of what is remembered in its place, with no other program changing it in between. */
  change(how: (before: Remembered) => Remembered): Promise<void>;
}

/** What a follower hears of the log. */
export type LogUpdate =
  | { readonly entries: readonly Uint8Array[] }
  /** A checkpoint that covers no more than the entries so far. */
  | { readonly checkpoint: string }
  /** All there is was sent; the newest checkpoint covers no more than that. */
  | { readonly caughtUp: true; readonly checkpoint: string | undefined };

/** A peer that serves an election, whoever it is. Rejects with `PeerRefusal` or with `unreachable` errors. */
export interface PeerClient extends LogSource {
  /** The Ed25519 public key that the peer proved to hold in the connection's handshake. */
  readonly peerKey: Uint8Array;
  info(): Promise<ElectionInfo>;
  /** The record of a voter; undefined when the roll has none such. */
  standing(query: VoterQuery): Promise<VoterAnswer | undefined>;
  /** Casts an encoded signed ballot; resolves to the receipt's text. `onPromise` gets the text of the promise that may come before. */
  cast(ballot: Uint8Array, onPromise?: (promise: string) => void): Promise<string>;
  /** Hands in an encoded enrolment; resolves to the receipt's text. */
  enrol(enrolment: Uint8Array): Promise<string>;
  /** Hands in what a trustee made; resolves when it is in the log. */
  handIn(message: TrusteeMessage): Promise<void>;
  /** An entry and its proof of inclusion in the returned checkpoint (the newest). */
  inclusion(which: InclusionQuery): Promise<ProvenEntry & { readonly checkpoint: string }>;
  /** Proof that the log of the first `second` entries (the newest checkpoint's, unless given) begins with the first `first`. */
  consistency(first: number, second?: number): Promise<ConsistencyAnswer>;
  /** Tells of the checkpoints known here, and hears of those known there. */
  exchange(given: Exchange): Promise<ExchangeAnswer>;
  /** Tells what looking for an own ballot came to. */
  reportChecks(report: BallotCheckReport): Promise<void>;
  /**
   * The log from entry `from` on, and then as it grows, until the consumer stops; with checkpoints in between, so that no long
   * stretch is without one.
   */
  follow(from: number): AsyncIterable<LogUpdate>;
  close(): Promise<void>;
}

/** A peer's refusal, as it came over the wire. */
export class PeerRefusal extends Error {
  override readonly name = 'PeerRefusal';
  readonly code: WireCode;
  /** When to try again, in ms from now, where the code is `busy`. */
  readonly retryAfter: number | undefined;

  constructor(code: WireCode, message: string, retryAfter?: number) {
    super(message);
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

/** Whether a failure is one that peers, networks and disks have; all others are defects. */
export function isForeseen(error: unknown): error is PsephosError | PeerRefusal {
  return error instanceof PsephosError || error instanceof PeerRefusal;
}

/**
 * What a node that has the log serves to its peers. A `PeerRefusal` thrown by a method travels as its code; anything else as
 * `internal`.
 */
export interface ReadService {
  info(): Promise<ElectionInfo>;
  standing(query: VoterQuery): Promise<VoterAnswer | undefined>;
  inclusion(which: InclusionQuery): Promise<ProvenEntry & { readonly checkpoint: string }>;
  consistency(first: number, second?: number): Promise<ConsistencyAnswer>;
  entries(from: number, to?: number): AsyncIterable<readonly Uint8Array[]>;
  checkpoints(from: number): AsyncIterable<string>;
  latestCheckpoint(): Promise<string | undefined>;
  exchange(given: Exchange): Promise<ExchangeAnswer>;
  reportChecks(report: BallotCheckReport): Promise<void>;
  /** Calls back after each commit with the new size, until the returned function is called. */
  onGrowth(listener: (size: number) => void): () => void;
}

/** What the authority's node takes in besides. */
export interface NodeService extends ReadService {
  /** Calls `onPromise` at most once, before it resolves. */
  cast(ballot: Uint8Array, onPromise?: (promise: string) => void): Promise<string>;
  enrol(enrolment: Uint8Array): Promise<string>;
  handIn(message: TrusteeMessage): Promise<void>;
}
