import { equalBytes, toBase64 } from '../base/bytes.ts';
import { refused } from '../base/errors.ts';
import { cidOf } from '../crypto/cid.ts';
import { sha256 } from '../crypto/hash.ts';
import {
  type Ballot,
  encodeSignedBallot,
  readBallot,
  sealedTracker,
  trackerOfHash,
} from '../election/ballot.ts';
import type { Entry, GenesisEntry, SignedBallot } from '../election/entries.ts';
import type { LogState } from '../election/log-state.ts';
import { ballotBlock, readBallotFrame } from '../log/ballot-frame.ts';
import type { Checkpoint } from '../log/checkpoint.ts';
import { type Head, decodeEntry } from '../log/entry-codec.ts';
import type { TileAppender } from '../log/tiles.ts';
import { type CheckedLog, checkLog } from './log-check.ts';
import { type IndexRecords, LogIndexer } from './log-index.ts';
import { LogProofs } from './log-proofs.ts';
import type { LogView } from './log-view.ts';
import type { Clock, Store, VoterRecord } from './ports.ts';

export interface LogCopyInit {
  readonly openStore: () => Promise<Store>;
  readonly clock: Clock;
  /** Called while the log is read through at the start, with the number of entries done. */
  readonly onProgress: (done: number) => void;
}

/** An entry that was found valid, and its RFC 6962 leaf hash. */
export interface ValidEntry {
  readonly bytes: Uint8Array;
  readonly leaf: Uint8Array;
}

/** Voters' records kept in memory, so that each ballot need not read one from disk. */
const MAX_CACHED_VOTERS = 100_000;

/**
 * A copy of an election's log that somebody else writes, in a store of the same kind as the original. It takes entries that
 * were found valid, together with a checkpoint over exactly them, and writes both in one synced batch.
 */
export class LogCopy implements LogView {
  readonly #init: LogCopyInit;
  readonly #listeners = new Set<(size: number) => void>();
  readonly #voters = new Map<string, VoterRecord>();
  #store: Store;
  #proofs: LogProofs;
  #state: LogState;
  #head: Head;
  #tree: TileAppender;
  #ballots: number;
  #voted: number;
  #newest: string | undefined;
  #suspended = false;

  /** Takes up a copy, empty or not, after reading it through. Throws `store-damaged` where it doesn't hold together. */
  static async open(init: LogCopyInit): Promise<LogCopy> {
    const store = await init.openStore();
    try {
      const checked = await checkLog(store, init.onProgress);
      return new LogCopy(init, store, checked, await store.latestCheckpoint());
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  private constructor(init: LogCopyInit, store: Store, checked: CheckedLog, newest: string | undefined) {
    this.#init = init;
    this.#store = store;
    this.#newest = newest;
    this.#proofs = new LogProofs(store);
    this.#state = checked.state;
    this.#head = checked.head;
    this.#tree = checked.tree;
    this.#ballots = checked.ballots;
    this.#voted = checked.voted;
  }

  get electionId(): string {
    const id = this.#state.electionId;
    if (id === undefined) throw refused('no-election', 'The copy holds no entry yet.');
    return id;
  }

  get genesis(): GenesisEntry {
    const { genesis } = this.#state;
    if (genesis === undefined) throw refused('no-election', 'The copy holds no entry yet.');
    return genesis;
  }

  get state(): LogState {
    return this.#state;
  }

  get head(): Head {
    return this.#head;
  }

  get store(): Store {
    return this.#store;
  }

  get proofs(): LogProofs {
    return this.#proofs;
  }

  get turnout(): { readonly ballots: number; readonly voted: number } {
    return { ballots: this.#ballots, voted: this.#voted };
  }

  /** The newest checkpoint, which covers all of the copy; undefined while it is empty. */
  get newestCheckpoint(): string | undefined {
    return this.#newest;
  }

  /** Whether a failed write keeps the copy from taking more until `resume` succeeds. */
  get suspended(): boolean {
    return this.#suspended;
  }

  logTime(): number {
    return Math.max(this.#init.clock.now(), this.#head.time);
  }

  onGrowth(listener: (size: number) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Adds entries that an audit found valid, and the checkpoint over all of the log with them, which must be of exactly these. When it
   * resolves, they are on disk. Throws `store-suspended`; what the store throws suspends the copy. One call at a time.
   */
  async append(entries: readonly ValidEntry[], checkpoint: Checkpoint): Promise<void> {
    if (this.#suspended)
      throw refused('store-suspended', 'The copy takes no entries until its disk can be written again.');
    const batch = this.#tree.prepare(entries.map(({ leaf }) => leaf));
    if (batch.size !== checkpoint.size || !equalBytes(batch.root, checkpoint.root))
      throw new Error(`the copy was to take ${batch.size} entries that their checkpoint is not signed for`);
    const from = this.#head.size;
    const applied = await this.#apply(entries);
    await this.#orSuspend(() =>
      this.#store.commit({
        from,
        entries: entries.map(({ bytes }) => bytes),
        tiles: batch.tiles,
        checkpoint: { size: checkpoint.size, text: checkpoint.text },
        ...applied.records,
      }),
    );
    batch.commit();
    this.#proofs.learn(batch.nodes);
    this.#state = applied.state;
    this.#head = applied.head;
    this.#newest = checkpoint.text;
    this.#ballots = applied.ballots;
    this.#voted = applied.voted;
    this.#remember(applied.records);
    for (const listener of this.#listeners) listener(this.#head.size);
  }

  /**
   * Opens the store again after a failed write: the batch whose fate was unknown is there, or not. Throws `store-damaged` where
   * entries are missing that were on disk, and what opening throws; then it may be called again.
   */
  async resume(): Promise<void> {
    await this.#store.close();
    const store = await this.#init.openStore();
    let checked;
    try {
      checked = await checkLog(store, () => undefined);
      if (checked.head.size < this.#head.size) throw shrunk(this.#head.size, checked.head.size);
      this.#newest = await store.latestCheckpoint();
    } catch (error) {
      await store.close();
      throw error;
    }
    this.#store = store;
    this.#proofs = new LogProofs(store);
    this.#state = checked.state;
    this.#head = checked.head;
    this.#tree = checked.tree;
    this.#ballots = checked.ballots;
    this.#voted = checked.voted;
    this.#voters.clear();
    this.#suspended = false;
    for (const listener of this.#listeners) listener(this.#head.size);
  }

  async close(): Promise<void> {
    await this.#store.close();
  }

  /** What entries lead to: state, turnout and index records. */
  async #apply(entries: readonly ValidEntry[]) {
    const indexer = new LogIndexer((key) => this.#voter(key));
    let state = this.#state;
    let [ballots, voted, seq, time] = [this.#ballots, this.#voted, this.#head.size, this.#head.time];
    for (const { bytes } of entries) {
      const read = readValid(bytes, seq);
      time = read.time;
      if ('ballot' in read) {
        const { ballot, tracker } = read;
        const { voter, number } = ballot;
        await indexer.ballot({ seq, round: state.rounds.length, voter, number, tracker });
        ballots++;
        if (number === 1) voted++;
      } else {
        if (state === this.#state) state = state.clone();
        state.apply(read.entry, cidOf(bytes));
        if (read.entry.kind === 'round') ballots = voted = 0;
        await indexer.other(read.entry);
      }
      seq++;
    }
    const last = entries.at(-1);
    const head = last === undefined ? this.#head : { size: seq, cid: cidOf(last.bytes), time };
    return { state, head, ballots, voted, records: indexer.take() };
  }

  async #voter(key: Uint8Array): Promise<VoterRecord | undefined> {
    return this.#voters.get(toBase64(key)) ?? (await this.#store.voter(key));
  }

  #remember({ voters, enrolments }: IndexRecords): void {
    for (const { voter } of enrolments) this.#voters.delete(toBase64(voter));
    for (const record of voters) this.#voters.set(toBase64(record.key), record);
    if (this.#voters.size > MAX_CACHED_VOTERS) this.#voters.clear();
  }

  async #orSuspend(write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      this.#suspended = true;
      throw error;
    }
  }
}

/** What was cosigned must stay: with less, a shorter log would be vouched for than before. */
function shrunk(before: number, now: number): Error {
  return refused('store-damaged', `The copy had ${before} entries on disk, and now has ${now}.`, {
    hint: 'Look after the disk. Begin a new copy, with a new key, in another folder.',
  });
}

/** An entry as far as the copy needs it: of a ballot what is indexed. */
type ReadEntry =
  | { readonly time: number; readonly ballot: Ballot; readonly tracker: string }
  | { readonly time: number; readonly entry: Exclude<Entry, { kind: 'ballot' }> };

/** Reads an entry that an audit found valid; ballots by their shape, since nearly all entries are ballots. */
function readValid(bytes: Uint8Array, seq: number): ReadEntry {
  const frame = readBallotFrame(bytes);
  if (frame !== undefined) return readValidBallot(frame, () => ballotBlock(bytes, frame), frame.time, seq);
  const decoded = decodeEntry(bytes);
  if (!decoded.ok) throw new Error(`entry ${seq} was found valid, and can't be read: ${decoded.error}`);
  const entry = decoded.value;
  if (entry.kind !== 'ballot') return { time: entry.time, entry };
  return readValidBallot(entry.ballot, () => encodeSignedBallot(entry.ballot), entry.time, seq);
}

function readValidBallot(
  signed: SignedBallot,
  block: () => Uint8Array,
  time: number,
  seq: number,
): ReadEntry {
  const read = readBallot(signed);
  if (!read.ok) throw new Error(`the ballot in entry ${seq} was found valid, and can't be read`);
  const ballot = read.value;
  const tracker = ballot.form === 'sealed' ? sealedTracker(ballot.sealed) : trackerOfHash(sha256(block()));
  return { time, ballot, tracker };
}
