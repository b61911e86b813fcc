import type { ElectionLog } from './election-log.ts';
import type { EnrolmentDesk } from './enrolment-desk.ts';
import type { PollingStation } from './polling-station.ts';
import {
  type ElectionInfo,
  type NodeService,
  PeerRefusal,
  type ProvenEntry,
  type VoterAnswer,
  type VoterQuery,
} from './ports.ts';
import type { TrusteeDesk } from './trustee-desk.ts';
import type { TrusteeMessage } from '../election/trustee-messages.ts';

const SUSPENDED_RETRY_MS = 5000;

/** Serves an election to peers from the authority's own log: reading for everybody, casting through the station, own keys through the desk. */
export class ElectionNode implements NodeService {
  readonly #log: ElectionLog;
  readonly #station: PollingStation;
  readonly #enrolments: EnrolmentDesk;
  readonly #trustees: TrusteeDesk;
  readonly #now: () => number;

  constructor(
    log: ElectionLog,
    {
      station,
      enrolments,
      trustees,
    }: {
      readonly station: PollingStation;
      readonly enrolments: EnrolmentDesk;
      readonly trustees: TrusteeDesk;
    },
    now: () => number,
  ) {
    this.#log = log;
    this.#station = station;
    this.#enrolments = enrolments;
    this.#trustees = trustees;
    this.#now = now;
  }

  async info(): Promise<ElectionInfo> {
    this.#requireStore();
    const { state } = this.#log;
    const { round, trustees } = state;
    const checkpoint = await this.#log.newestCheckpoint();
    const closes = round?.entry.closes ?? null;
    return {
      genesis: withoutCheckpoint(await this.#log.inclusion(0, checkpoint)),
      round:
        round === undefined
          ? null
          : withoutCheckpoint(await this.#log.inclusion(round.entry.seq, checkpoint)),
      trustees:
        trustees === undefined
          ? null
          : withoutCheckpoint(await this.#log.inclusion(trustees.seq, checkpoint)),
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

  async cast(ballot: Uint8Array): Promise<string> {
    return this.#station.cast(ballot);
  }

  async enrol(enrolment: Uint8Array): Promise<string> {
    return this.#enrolments.enrol(enrolment);
  }

  async handIn(message: TrusteeMessage): Promise<void> {
    return this.#trustees.handIn(message);
  }

  async inclusion(
    which: { readonly index: number } | { readonly tracker: string },
  ): Promise<ProvenEntry & { readonly checkpoint: string }> {
    this.#requireStore();
    const index = 'index' in which ? which.index : await this.#log.store.ballotSeq(which.tracker);
    if (index === undefined) throw new PeerRefusal('not-found', 'No ballot with this tracker is in the log.');
    if (index >= this.#log.head.size) throw new PeerRefusal('not-found', `The log has no entry ${index}.`);
    return this.#log.inclusion(index);
  }

  async consistency(
    first: number,
    second?: number,
  ): Promise<{ readonly proof: readonly Uint8Array[]; readonly checkpoint: string }> {
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
    return this.#log.consistency(first, second);
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

  /** After a failed write the store is closed and opened again: peers are told to come back, not that it broke. */
  #requireStore(): void {
    if (this.#log.suspended)
      throw new PeerRefusal('busy', "The organiser's disk can't be used just now.", SUSPENDED_RETRY_MS);
  }

  onGrowth(listener: (size: number) => void): () => void {
    return this.#log.onGrowth(listener);
  }
}

function withoutCheckpoint({ index, entry, proof }: ProvenEntry): ProvenEntry {
  return { index, entry, proof };
}
