import { toBase64 } from '../base/bytes.ts';
import { refused } from '../base/errors.ts';
import type { Entry } from '../election/entries.ts';
import type { IndexedEnrolment, StoreBatch, VoterRecord } from './ports.ts';

/** A ballot as far as the indexes know it. */
export interface IndexedBallot {
  readonly seq: number;
  readonly round: number;
  readonly voter: Uint8Array;
  readonly number: number;
  readonly tracker: string;
}

export type IndexRecords = Required<Pick<StoreBatch, 'voters' | 'ballots' | 'enrolments'>>;

/**
 * The index records that entries lead to, for a log that somebody else decided on: what the authority's own appends say of
 * theirs is made again from the entries.
 */
export class LogIndexer {
  readonly #stored: (key: Uint8Array) => Promise<VoterRecord | undefined>;
  /** Records that changed since the last `take`, by key in base64. */
  #voters = new Map<string, VoterRecord>();
  /** Records without a ballot that got one since: names are indexed with those. */
  #replaced: VoterRecord[] = [];
  #ballots: { tracker: string; seq: number }[] = [];
  #enrolments: IndexedEnrolment[] = [];

  /** `stored` gives a voter's record as of the last `take`. */
  constructor(stored: (key: Uint8Array) => Promise<VoterRecord | undefined>) {
    this.#stored = stored;
  }

  /** Throws `store-damaged` for a ballot of a voter who is not on the roll. */
  async ballot({ seq, round, voter, number, tracker }: IndexedBallot): Promise<void> {
    const record = await this.#recordOf(voter);
    if (record === undefined) throw damaged(seq, 'its voter is not on the roll');
    if (record.seq === null && this.#voters.has(toBase64(voter))) this.#replaced.push(record);
    this.#voters.set(toBase64(voter), { ...record, round, number, seq });
    this.#ballots.push({ tracker, seq });
  }

  /** Any other entry; most kinds leave no record. Throws `store-damaged` for an enrolment that may not be. */
  async other(entry: Entry): Promise<void> {
    if (entry.kind === 'roll') {
      for (const { name, key, weight } of entry.voters) {
        this.#voters.set(toBase64(key), { name, key, weight, round: 0, number: 0, seq: null });
      }
    } else if (entry.kind === 'enrolment') {
      const { voter, key, seq } = entry;
      const record = await this.#recordOf(voter);
      if (record === undefined) throw damaged(seq, 'its voter is not on the roll');
      if ((await this.#recordOf(key)) !== undefined) throw damaged(seq, 'its new key is on the roll already');
      this.#voters.delete(toBase64(voter));
      this.#voters.set(toBase64(key), { ...record, key });
      this.#enrolments.push({ voter, key, seq });
    }
  }

  /** The records since the last call, which the caller stores. */
  take(): IndexRecords {
    const records = {
      voters: [...this.#replaced, ...this.#voters.values()],
      ballots: this.#ballots,
      enrolments: this.#enrolments,
    };
    this.#voters = new Map();
    this.#replaced = [];
    this.#ballots = [];
    this.#enrolments = [];
    return records;
  }

  async #recordOf(key: Uint8Array): Promise<VoterRecord | undefined> {
    return this.#voters.get(toBase64(key)) ?? (await this.#stored(key));
  }
}

function damaged(seq: number, why: string): Error {
  return refused('store-damaged', `Entry ${seq} of the log is damaged: ${why}.`, {
    hint: 'Nothing was changed or repaired. Restore the data folder from a copy; verify-log tells more about this one.',
  });
}
