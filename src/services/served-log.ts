import { SUSPENDED_RETRY_MS } from './standstill.ts';
import type { LogView } from './log-view.ts';
import {
  type BallotCheckReport,
  type ConsistencyAnswer,
  type ElectionInfo,
  type Exchange,
  type ExchangeAnswer,
  type InclusionQuery,
  PeerRefusal,
  type ProvenEntry,
  type ReadService,
  type VoterAnswer,
  type VoterQuery,
} from './ports.ts';
import type { WitnessDesk } from './witness-desk.ts';

/** An observer's copy begins with its first second. */
const EMPTY_RETRY_MS = 1000;

/** Serves a log that this process holds to peers, for reading. */
export class ServedLog implements ReadService {
  readonly #log: LogView;
  readonly #witness: WitnessDesk;
  readonly #now: () => number;

  constructor(log: LogView, witness: WitnessDesk, now: () => number) {
    this.#log = log;
    this.#witness = witness;
    this.#now = now;
  }

  async info(): Promise<ElectionInfo> {
    this.#requireStore();
    const { state, proofs } = this.#log;
    const { round, trustees } = state;
    const checkpoint = await proofs.newestCheckpoint();
    const closes = round?.entry.closes ?? null;
    return {
      genesis: withoutCheckpoint(await proofs.inclusion(0, checkpoint)),
      round:
        round === undefined ? null : withoutCheckpoint(await proofs.inclusion(round.entry.seq, checkpoint)),
      trustees:
        trustees === undefined ? null : withoutCheckpoint(await proofs.inclusion(trustees.seq, checkpoint)),
      checkpoint,
      open: state.phase === 'open' && (closes === null || this.#log.logTime() < closes),
      draft: (await this.#log.store.draft()) ?? null,
      turnout: { ...this.#log.turnout, voters: state.roll.voters },
      time: this.#now(),
    };
  }

  async standing(query: VoterQuery): Promise<VoterAnswer | undefined> {
    this.#requireStore();
    const { store, state } = this.#log;
    const record = await ('key' in query ? store.voter(query.key) : store.voterByName(query.name));
    if (record === undefined || state.enrolled === 0) return record;
    return { ...record, enrolled: (await store.enrolmentSeq(record.key)) !== undefined };
  }

  async inclusion(which: InclusionQuery): Promise<ProvenEntry & { readonly checkpoint: string }> {
    this.#requireStore();
    const index = await this.#indexOf(which);
    if (index >= this.#log.head.size) throw new PeerRefusal('not-found', `The log has no entry ${index}.`);
    return this.#log.proofs.inclusion(index);
  }

  async #indexOf(which: InclusionQuery): Promise<number> {
    if ('index' in which) return which.index;
    if ('round' in which) {
      const round = this.#log.state.rounds[which.round - 1];
      if (round === undefined) throw new PeerRefusal('not-found', `The log has no round ${which.round}.`);
      return round.entry.seq;
    }
    const index = await this.#log.store.ballotSeq(which.tracker);
    if (index === undefined) throw new PeerRefusal('not-found', 'No ballot with this tracker is in the log.');
    return index;
  }

  async consistency(first: number, second?: number): Promise<ConsistencyAnswer> {
    this.#requireStore();
    const size = this.#log.head.size;
    if (Math.max(first, second ?? first) > size) {
      throw new PeerRefusal(
        'not-found',
        `The log has ${size} entries, fewer than ${Math.max(first, second ?? first)}.`,
      );
    }
    if (second !== undefined && first > second)
      throw new PeerRefusal('malformed', `${first} entries don't precede ${second}.`);
    return this.#log.proofs.consistency(first, second);
  }

  entries(from: number, to?: number): AsyncIterable<readonly Uint8Array[]> {
    this.#requireStore();
    return this.#log.store.entries(from, to);
  }

  checkpoints(from: number): AsyncIterable<string> {
    this.#requireStore();
    return this.#log.store.checkpoints(from);
  }

  async latestCheckpoint(): Promise<string | undefined> {
    this.#requireStore();
    return this.#log.store.latestCheckpoint();
  }

  async exchange(given: Exchange): Promise<ExchangeAnswer> {
    this.#requireStore();
    return this.#witness.exchange(given);
  }

  async reportChecks(report: BallotCheckReport): Promise<void> {
    this.#requireStore();
    return this.#witness.noteChecks(report);
  }

  onGrowth(listener: (size: number) => void): () => void {
    return this.#log.onGrowth(listener);
  }

  /** After a failed write the store is closed and opened again: peers are told to come back, not that it broke. */
  #requireStore(): void {
    if (this.#log.head.size === 0)
      throw new PeerRefusal('busy', 'Nothing of the log is here yet.', EMPTY_RETRY_MS);
    if (this.#log.suspended)
      throw new PeerRefusal('busy', "The disk can't be used here just now.", SUSPENDED_RETRY_MS);
  }
}

function withoutCheckpoint({ index, entry, proof }: ProvenEntry): ProvenEntry {
  return { index, entry, proof };
}
