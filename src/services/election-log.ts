import { type PsephosError, refused } from '../base/errors.ts';
import type { EntryContent, GenesisEntry } from '../election/entries.ts';
import { MAX_ENTRY_BYTES } from '../election/limits.ts';
import type { LogState } from '../election/log-state.ts';
import { type Checkpoint, origin, signCheckpoint } from '../log/checkpoint.ts';
import { type ChainedEntry, type Head, chainEntry, headAfter } from '../log/entry-codec.ts';
import { leafHash } from '../log/merkle.ts';
import { signPromise } from '../log/promise.ts';
import type { PreparedBatch, TileAppender } from '../log/tiles.ts';
import type { EventListener } from './events.ts';
import { checkLog } from './log-check.ts';
import { LogProofs } from './log-proofs.ts';
import type { LogView } from './log-view.ts';
import type { Clock, DraftRound, Store, StoreBatch, VoterRecord } from './ports.ts';

export interface ElectionLogInit {
  /** Opens the data folder's store; called again after a failed write. */
  readonly openStore: () => Promise<Store>;
  /** The authority's 32-byte seed; undefined where it isn't at hand, and then nothing can be appended. */
  readonly loadSeed: (genesis: GenesisEntry) => Promise<Uint8Array | undefined>;
  readonly clock: Clock;
  readonly onEvent: EventListener;
  /** Called while the log is read through at the start, with the number of entries done. */
  readonly onProgress: (done: number) => void;
}

/** What one append adds: contents in order, and the index records that go with them. */
export interface AppendPlan {
  readonly contents: readonly EntryContent[];
  readonly voters?: readonly VoterRecord[];
  readonly ballots?: readonly { readonly tracker: string; readonly seq: number }[];
  readonly enrolments?: StoreBatch['enrolments'];
  /** Whether the prepared round goes, since it is opened. */
  readonly dropDraft?: boolean;
}

/** An append that has its place behind those before it, hashed and signed, and is not on disk yet. */
interface PreparedAppend {
  readonly entries: readonly ChainedEntry[];
  readonly batch: StoreBatch;
  readonly state: LogState;
  readonly head: Head;
  readonly nodes: PreparedBatch['nodes'];
  readonly checkpoint: Checkpoint;
}

/** What an append added, and the checkpoint signed over all of it; no checkpoint where nothing was added. */
export interface Appended {
  readonly entries: readonly ChainedEntry[];
  readonly checkpoint: Checkpoint | undefined;
}

/** The place and time that the first entry of an append gets. */
export interface AppendAt {
  readonly seq: number;
  readonly time: number;
}

const NOTHING: Appended = { entries: [], checkpoint: undefined };

/** How far behind the log the machine's clock may be before it is worth a warning, in ms. */
const CLOCK_TOLERANCE = 2000;

/**
 * The log of one election, held by this process alone: the one place where entries are made. Appends are done one after
 * another; each is one atomic batch on disk that ends with a checkpoint signed over all of it. An append of ballots is prepared
 * (placed, hashed, signed) while the one before it is being written, so that processor and disk work at the same time; what
 * others see of the log is only ever what is on disk.
 */
export class ElectionLog implements LogView {
  readonly #init: ElectionLogInit;
  readonly #listeners = new Set<(size: number) => void>();
  #store: Store;
  #state: LogState;
  #head: Head;
  /** Where the next append goes: ahead of `#head` by what is being written. The tree is at the tip, too. */
  #tip: Head;
  #tree: TileAppender;
  #seed: Uint8Array | undefined;
  #ballots: number;
  #voted: number;
  #tail: Promise<unknown> = Promise.resolve();
  /** The write under way, if any; it never rejects. */
  #writing: Promise<unknown> = Promise.resolve();
  #proofs: LogProofs;
  #suspended = false;
  #halted: PsephosError | undefined;
  #clockBehind = false;

  /** Takes up the log in a store, after reading it through: throws `store-damaged` where it doesn't hold together. */
  static async open(init: ElectionLogInit): Promise<ElectionLog> {
    const store = await init.openStore();
    try {
      const checked = await checkLog(store, init.onProgress);
      const genesis = checked.state.genesis;
      const seed = genesis === undefined ? undefined : await init.loadSeed(genesis);
      return new ElectionLog(init, store, checked, seed);
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  private constructor(
    init: ElectionLogInit,
    store: Store,
    checked: Awaited<ReturnType<typeof checkLog>>,
    seed: Uint8Array | undefined,
  ) {
    this.#init = init;
    this.#store = store;
    this.#proofs = new LogProofs(store);
    this.#seed = seed;
    this.#state = checked.state;
    this.#head = this.#tip = checked.head;
    this.#tree = checked.tree;
    this.#ballots = checked.ballots;
    this.#voted = checked.voted;
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

  /** Ballots, and voters who cast one, in the newest round. */
  get turnout(): { readonly ballots: number; readonly voted: number } {
    return { ballots: this.#ballots, voted: this.#voted };
  }

  /** Whether a failed write keeps the log from taking more until `resume` succeeds. */
  get suspended(): boolean {
    return this.#suspended;
  }

  /** Why nothing is appended any more, whatever the disk can do; undefined while all is well. What is there can be read. */
  get halted(): PsephosError | undefined {
    return this.#halted;
  }

  /**
   * Stops appending for as long as this log is open, from this call on: what is prepared and not being written yet is dropped. For a log that
   * must not be signed further, since its authority signed for another history too.
   */
  halt(why: PsephosError): void {
    this.#halted ??= why;
  }

  /** The genesis of the election; a log without one is only ever seen by `createElection`. */
  get genesis(): GenesisEntry {
    const genesis = this.#state.genesis;
    if (genesis === undefined) throw refused('no-election', 'The data folder holds no election.');
    return genesis;
  }

  get electionId(): string {
    const id = this.#state.electionId;
    if (id === undefined) throw refused('no-election', 'The data folder holds no election.');
    return id;
  }

  /** The time that an entry made now would get: the machine's, but never before the newest entry's. */
  logTime(): number {
    const now = this.#init.clock.now();
    const behind = this.#tip.time - now;
    const isBehind = behind > CLOCK_TOLERANCE;
    if (isBehind && !this.#clockBehind) this.#init.onEvent({ type: 'clock-behind', byMs: behind });
    this.#clockBehind = isBehind;
    return Math.max(now, this.#tip.time);
  }

  /** Gives the log its authority's seed; used once, when the election is created. */
  useSeed(seed: Uint8Array): void {
    this.#seed = seed;
  }

  /**
   * The authority's signed word that the ballot with this hash (SHA-256 of its bytes as they travel) will be in the log by `by`, in ms
   * since 1970: whoever asks for it has to keep it. Undefined while nothing can be added to the log: halted, suspended or without its key.
   */
  promise(ballotHash: Uint8Array, by: number): string | undefined {
    if (this.#halted !== undefined || this.#suspended || this.#seed === undefined) return undefined;
    const key = { origin: origin(this.electionId), publicKey: this.genesis.authority };
    return signPromise({ ballotHash, by }, key, this.#seed);
  }

  /**
   * Appends what `plan` makes of its place, after all appends before it are on disk. Resolves, with the entries, when they
   * are on disk; an empty plan writes nothing. Throws `no-signing-key`, `store-suspended` or why the log is halted, whatever `plan` throws, and
   * what the store throws: then it is not known whether the entries were written, and the log is suspended.
   */
  async append(plan: (at: AppendAt) => AppendPlan | Promise<AppendPlan>): Promise<Appended> {
    return this.#inTurn(async () => {
      await this.#writing;
      const at = this.#nextPlace();
      const prepared = this.#prepare(await plan(at), at);
      return prepared === undefined ? NOTHING : this.#write(prepared);
    });
  }

  /**
   * As `append`, for ballots: `plan` may be called while the append before it is still being written. It sees no trace of that one in
   * `state` (which ballots don't change) nor in the store, so it must not need to.
   */
  async appendBallots(plan: (at: AppendAt) => AppendPlan): Promise<Appended> {
    let written: Promise<Appended> = Promise.resolve(NOTHING);
    await this.#inTurn(async () => {
      const at = this.#nextPlace();
      const prepared = this.#prepare(plan(at), at);
      if (prepared === undefined) return;
      await this.#writing;
      written = this.#write(prepared);
      this.#writing = written.catch(() => undefined);
    });
    return written;
  }

  /** Keeps a prepared round, after all appends before it; `check` may object by throwing. Fails as `append` does. */
  async setDraft(draft: DraftRound, check: () => void): Promise<void> {
    return this.#inTurn(async () => {
      await this.#writing;
      this.#requireOpen();
      check();
      await this.#orSuspend(() => this.#store.setDraft(draft));
    });
  }

  #inTurn<T>(action: () => Promise<T>): Promise<T> {
    const run = this.#tail.then(action);
    // The next one must run whatever became of this one; whoever called this one gets its error.
    this.#tail = run.catch(() => undefined);
    return run;
  }

  /** Does a write; when it fails nobody knows what is on disk, and nothing more is written until `resume`. */
  async #orSuspend(write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      this.#suspended = true;
      this.#init.onEvent({
        type: 'store-suspended',
        reason: error instanceof Error ? error.message : String(error),
      });
      throw error;
    }
  }

  #nextPlace(): AppendAt {
    this.#requireOpen();
    return { seq: this.#tip.size, time: this.logTime() };
  }

  /** Throws where nothing may be appended: ever, or until the disk can be written again. */
  #requireOpen(): void {
    if (this.#halted !== undefined) throw this.#halted;
    if (this.#suspended) throw suspendedError();
  }

  /** Chains, hashes and signs a plan, and moves the tip behind it; undefined for an empty one. */
  #prepare(plan: AppendPlan, { seq: from, time }: AppendAt): PreparedAppend | undefined {
    const { contents, voters = [], ballots = [], enrolments = [], dropDraft = false } = plan;
    // A write may have failed while the plan was made.
    this.#requireOpen();
    if (contents.length === 0) return undefined;
    const seed = this.#seed;
    if (seed === undefined) {
      throw refused(
        'no-signing-key',
        "The election's signing key is not at hand, so nothing can be added to its log.",
        {
          hint: 'Name the folder that holds it with --keys.',
        },
      );
    }

    const chained = chainAll(this.#tip, contents, time);
    const [first] = chained;
    const last = chained.at(-1);
    if (first === undefined || last === undefined) throw new Error('an append of nothing');
    const state = stateAfter(this.#state, chained);
    const id = this.#state.electionId ?? first.cid.toString();
    const added = this.#tree.prepare(chained.map(({ bytes }) => leafHash(bytes)));
    const { size, root, tiles, nodes } = added;
    const text = signCheckpoint({ origin: origin(id), size, root }, seed, authorityOf(state));
    added.commit();
    this.#tip = headAfter(last);
    return {
      entries: chained,
      batch: {
        from,
        entries: chained.map(({ bytes }) => bytes),
        tiles,
        checkpoint: { size, text },
        voters,
        ballots,
        enrolments,
        dropDraft,
      },
      state,
      head: this.#tip,
      nodes,
      checkpoint: { origin: origin(id), size, root, text },
    };
  }

  async #write({ entries, batch, state, head, nodes, checkpoint }: PreparedAppend): Promise<Appended> {
    // After a failed write nobody knows what the disk holds: nothing that was placed behind it may follow.
    this.#requireOpen();
    await this.#orSuspend(() => this.#store.commit(batch));
    this.#proofs.learn(nodes);
    this.#head = head;
    this.#state = state;
    if (entries.some(({ entry }) => entry.kind === 'round')) this.#ballots = this.#voted = 0;
    this.#ballots += batch.ballots.length;
    this.#voted += new Set(batch.voters.filter((voter) => voter.number === 1 && voter.seq !== null)).size;
    for (const listener of this.#listeners) listener(head.size);
    return { entries, checkpoint };
  }

  /**
   * Opens the store again after a failed write, and reads the log through: a batch whose fate was unknown is either
   * all there or not at all. Throws what opening throws; then it may be called again.
   */
  async resume(): Promise<void> {
    // In turn, so that nothing that was prepared for the store before meets the one after.
    return this.#inTurn(() => this.#resumeNow());
  }

  async #resumeNow(): Promise<void> {
    if (!this.#suspended) return;
    await this.#store.close();
    const store = await this.#init.openStore();
    let checked;
    try {
      checked = await checkLog(store, () => undefined);
      if (checked.head.size < this.#head.size) {
        throw refused(
          'store-damaged',
          `The log ended at entry ${this.#head.size - 1}, and now ends at ${checked.head.size - 1}.`,
          {
            hint: 'Acknowledged entries are missing from the disk. Stop the program and look after the disk first.',
          },
        );
      }
    } catch (error) {
      await store.close();
      throw error;
    }
    this.#store = store;
    this.#proofs = new LogProofs(store);
    this.#state = checked.state;
    this.#head = this.#tip = checked.head;
    this.#tree = checked.tree;
    this.#ballots = checked.ballots;
    this.#voted = checked.voted;
    this.#suspended = false;
    this.#init.onEvent({ type: 'store-resumed' });
    for (const listener of this.#listeners) listener(this.#head.size);
  }

  onGrowth(listener: (size: number) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Waits for the appends under way, then closes the store. */
  async close(): Promise<void> {
    await this.#tail;
    await this.#writing;
    await this.#store.close();
  }
}

function chainAll(from: Head, contents: readonly EntryContent[], time: number): ChainedEntry[] {
  let head = from;
  return contents.map((content) => {
    const chained = chainEntry(head, content, time);
    head = headAfter(chained);
    return chained;
  });
}

/** The state that entries lead to. What an audit would find wrong with them must never get into the log. */
function stateAfter(state: LogState, chained: readonly ChainedEntry[]): LogState {
  const next = state.clone();
  for (const { entry, cid, bytes } of chained) {
    // No reader would take it, this program included.
    if (bytes.length > MAX_ENTRY_BYTES)
      throw refused(
        'not-allowed',
        `The log can't take this ${entry.kind}: it has ${bytes.length} bytes, where ${MAX_ENTRY_BYTES} are possible.`,
      );
    const [problem] = next.problems(entry);
    if (problem !== undefined) throw refused('not-allowed', `The log can't take this entry: ${problem}.`);
    next.apply(entry, cid);
  }
  return next;
}

function authorityOf(state: LogState): Uint8Array {
  if (state.genesis === undefined) throw new Error('a log that does not begin with a genesis');
  return state.genesis.authority;
}

export function suspendedError(): Error {
  return refused('store-suspended', 'The log takes no entries until its disk can be written again.');
}
