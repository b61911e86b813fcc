import * as z from 'zod';
import { fromHex, utf8ToBytes } from '../base/bytes.ts';
import { refused } from '../base/errors.ts';
import { MAX_TIME } from '../election/limits.ts';
import { questionsSchema, titleSchema } from '../election/schemas.ts';
import type { TileReader } from '../log/tiles.ts';
import type { DraftRound, Store, StoreBatch, VoterRecord } from '../services/ports.ts';
import type { Acknowledged } from './acknowledged.ts';
import { damaged, readError, writeError } from './damage.ts';
import {
  DRAFT_KEY,
  INDEXED_KEY,
  ballotKey,
  checkpointKey,
  decodeNumber,
  decodeText,
  decodeVoter,
  encodeNumber,
  encodeVoter,
  enrolmentKey,
  entryKey,
  familyRange,
  nameKey,
  tileKey,
  voterKey,
} from './layout.ts';
import type { Database, OpenedLog } from './level-db.ts';
import { removeLockNote } from './lock-note.ts';
import { RecentBatch } from './recent-batch.ts';
import { seal } from './seal.ts';

type IndexRecords = Pick<StoreBatch, 'tiles' | 'voters' | 'ballots' | 'enrolments'>;
type Batch = ReturnType<Database['batch']>;

const draftSchema = z.strictObject({
  title: titleSchema,
  questions: questionsSchema,
  opens: z.int().min(0).max(MAX_TIME).nullable(),
  closes: z.int().min(0).max(MAX_TIME).nullable(),
}) satisfies z.ZodType<DraftRound>;

/**
 * The store in LevelDB. Every write is one atomic batch, synced; after one that failed, no other is taken, since LevelDB
 * would append it behind a record that may be half written, and drop both when it is opened next.
 */
export class LevelStore implements Store {
  readonly #folder: string;
  readonly #db: Database;
  readonly #reader: OpenedLog['reader'];
  readonly #acknowledged: Acknowledged;
  readonly #recent: RecentBatch;
  #size: number;
  #indexed: number;
  #underWay: Promise<void> | undefined;
  #failed = false;
  #closing: Promise<void> | undefined;

  constructor(
    folder: string,
    log: OpenedLog & { readonly db: Database },
    acknowledged: Acknowledged,
    indexed: number,
  ) {
    this.#folder = folder;
    this.#db = log.db;
    this.#reader = log.reader;
    this.#acknowledged = acknowledged;
    this.#recent = new RecentBatch(log.size, log.latest);
    this.#size = log.size;
    this.#indexed = indexed;
  }

  /**
   * As `Store.commit`. Throws RangeError for a batch that doesn't begin at the log's end, is empty, or whose checkpoint has
   * another size; `store-failed`. A voter's name is indexed with the record that has no ballot yet, and by `putIndexes`.
   */
  async commit(batch: StoreBatch): Promise<void> {
    const size = batch.from + batch.entries.length;
    this.#requireWritable();
    if (this.#underWay !== undefined)
      throw new RangeError('a commit is under way: which comes first would be open');
    if (batch.from !== this.#size) {
      throw new RangeError(`a batch from ${batch.from} for a log of ${this.#size} entries`);
    }
    if (batch.entries.length === 0) throw new RangeError('a batch without entries');
    if (batch.checkpoint.size !== size) {
      throw new RangeError(`a checkpoint of ${batch.checkpoint.size} for ${size} entries`);
    }
    if (this.#indexed !== this.#size)
      throw new RangeError('a batch for a log whose indexes are not complete');
    this.#underWay = this.#commit(batch, size).finally(() => (this.#underWay = undefined));
    return this.#underWay;
  }

  async #commit(batch: StoreBatch, size: number): Promise<void> {
    await this.#write((writes) => {
      let seq = batch.from;
      for (const entry of batch.entries) put(writes, entryKey(seq++), entry);
      put(writes, checkpointKey(size), utf8ToBytes(batch.checkpoint.text));
      putIndexRecords(writes, batch, (voter) => voter.seq === null);
      put(writes, INDEXED_KEY, encodeNumber(size));
      if (batch.dropDraft === true) writes.del(DRAFT_KEY);
    });
    this.#acknowledged.set(size);
    this.#recent.set(batch);
    this.#size = size;
    this.#indexed = size;
  }

  async entry(seq: number): Promise<Uint8Array | undefined> {
    if (!Number.isInteger(seq) || seq < 0 || seq >= this.#size) return undefined;
    const bytes = this.#recent.entry(seq) ?? (await this.#reader.get(entryKey(seq)));
    if (bytes === undefined) throw damaged(`Entry ${seq} is missing from the log.`);
    return bytes;
  }

  entries(from: number, to = Infinity): AsyncIterable<readonly Uint8Array[]> {
    return this.#reader.entries(from, Math.min(to, this.#size));
  }

  async *checkpoints(from: number): AsyncGenerator<string, void, undefined> {
    yield* this.#recent.checkpoints(from) ?? this.#reader.checkpoints(from, this.#size);
  }

  latestCheckpoint(): Promise<string | undefined> {
    return Promise.resolve(this.#recent.latest);
  }

  readonly readTile: TileReader = async (level, index) =>
    this.#recent.tile(level, index) ?? (await this.#reader.get(tileKey(level, index)));

  async voter(key: Uint8Array): Promise<VoterRecord | undefined> {
    const at = voterKey(key);
    const bytes = await this.#reader.get(at);
    return bytes === undefined ? undefined : voterOf(at, bytes);
  }

  async voterByName(name: string): Promise<VoterRecord | undefined> {
    const at = nameKey(name);
    const key = at === undefined ? undefined : await this.#reader.get(at);
    if (key === undefined) return undefined;
    const record = await this.voter(key);
    if (record === undefined) throw damaged(`The index names a voter "${name}", whose record is missing.`);
    // A name that is no well-formed text is looked up as one in which U+FFFD stands for what is wrong with it.
    return record.name === name ? record : undefined;
  }

  async *voters(): AsyncGenerator<VoterRecord, void, undefined> {
    for await (const [key, bytes] of this.#reader.family('voter')) yield voterOf(key, bytes);
  }

  async ballotSeq(tracker: string): Promise<number | undefined> {
    const at = ballotKey(tracker);
    const bytes = at === undefined ? undefined : await this.#reader.get(at);
    if (bytes === undefined) return undefined;
    const seq = decodeNumber(bytes);
    if (seq === undefined) throw damaged(`The index record of the ballot ${tracker} is malformed.`);
    return seq;
  }

  async enrolmentSeq(key: Uint8Array): Promise<number | undefined> {
    const at = enrolmentKey(key);
    const bytes = await this.#reader.get(at);
    if (bytes === undefined) return undefined;
    const seq = decodeNumber(bytes);
    if (seq === undefined) throw damaged(`The index record "${at}" is malformed.`);
    return seq;
  }

  async *enrolled(): AsyncGenerator<VoterRecord, void, undefined> {
    for await (const [at] of this.#reader.family('enrolment')) {
      const key = fromHex(at.slice('enrolment/'.length));
      // The key on the roll is no voter's any more.
      const record = key === undefined ? undefined : await this.voter(key);
      if (record !== undefined) yield record;
    }
  }

  async draft(): Promise<DraftRound | undefined> {
    const bytes = await this.#reader.get(DRAFT_KEY);
    if (bytes === undefined) return undefined;
    const draft = draftSchema.safeParse(JSON.parse(decodeText(bytes) ?? 'null'));
    if (!draft.success) throw damaged('The prepared round can not be read.', draft.error);
    return draft.data;
  }

  async setDraft(draft: DraftRound | undefined): Promise<void> {
    await this.#write((writes) => {
      if (draft === undefined) writes.del(DRAFT_KEY);
      else put(writes, DRAFT_KEY, utf8ToBytes(JSON.stringify(draftSchema.parse(draft))));
    });
  }

  indexesComplete(): Promise<boolean> {
    return Promise.resolve(this.#indexed === this.#size);
  }

  async clearIndexes(): Promise<void> {
    this.#recent.forgetTiles();
    this.#indexed = 0;
    // First, so that a crash half-way leaves indexes that are known to be incomplete.
    await this.#write((writes) => {
      put(writes, INDEXED_KEY, encodeNumber(0));
    });
    try {
      for (const family of ['tile', 'voter', 'name', 'ballot', 'enrolment'] as const)
        await this.#db.clear(familyRange(family));
    } catch (error) {
      throw this.#fail(error);
    }
  }

  async putIndexes(part: IndexRecords & { readonly indexedSize: number }): Promise<void> {
    await this.#write((writes) => {
      putIndexRecords(writes, part, () => true);
      put(writes, INDEXED_KEY, encodeNumber(part.indexedSize));
    });
    this.#indexed = part.indexedSize;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    // Whoever called commit gets its error.
    await this.#underWay?.catch(() => undefined);
    await removeLockNote(this.#folder);
    await this.#db.close();
    this.#acknowledged.close();
  }

  #requireWritable(): void {
    if (!this.#failed) return;
    throw refused('store-failed', `The log in ${this.#folder} takes no writes since one failed.`, {
      hint: 'Look after the disk (is it full?), then start the program again.',
    });
  }

  async #write(fill: (writes: Batch) => void): Promise<void> {
    this.#requireWritable();
    let writes: Batch;
    try {
      // A chained batch: the array form copies each operation twice, and cost seven times as much for 256 ballots.
      writes = this.#db.batch();
    } catch (error) {
      throw readError(error, 'A record');
    }
    try {
      fill(writes);
    } catch (error) {
      await writes.close();
      throw error;
    }
    try {
      await writes.write({ sync: true });
    } catch (error) {
      throw this.#fail(error);
    }
  }

  #fail(error: unknown): Error {
    this.#failed = true;
    return writeError(error, this.#folder);
  }
}

function put(writes: Batch, key: string, value: Uint8Array): void {
  writes.put(key, seal(key, value));
}

function putIndexRecords(writes: Batch, part: IndexRecords, withName: (voter: VoterRecord) => boolean): void {
  for (const { level, index, bytes } of part.tiles) put(writes, tileKey(level, index), bytes);
  for (const voter of part.voters) {
    put(writes, voterKey(voter.key), encodeVoter(voter));
    if (withName(voter)) put(writes, required(nameKey(voter.name), voter.name), voter.key);
  }
  for (const { tracker, seq } of part.ballots)
    put(writes, required(ballotKey(tracker), tracker), encodeNumber(seq));
  for (const { voter, key, seq } of part.enrolments ?? []) {
    writes.del(voterKey(voter));
    for (const one of [voter, key]) put(writes, enrolmentKey(one), encodeNumber(seq));
  }
}

function required(key: string | undefined, name: string): string {
  if (key === undefined) throw new RangeError(`"${name}" is too long to be indexed`);
  return key;
}

function voterOf(key: string, bytes: Uint8Array): VoterRecord {
  const voter = decodeVoter(key, bytes);
  if (voter === undefined) throw damaged(`The index record "${key}" is malformed.`);
  return voter;
}
