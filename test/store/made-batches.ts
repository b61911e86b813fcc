import { createHash } from 'node:crypto';
import { leafHash } from '#src/log/merkle.js';
import { TileAppender } from '#src/log/tiles.js';
import type { Store, StoreBatch, VoterRecord } from '#src/services/ports.js';

/** 32 bytes that look random and are the same for every run. */
export function madeBytes(label: string): Uint8Array {
  return new Uint8Array(createHash('sha256').update(label).digest());
}

export function madeVoter(number: number, change: Partial<VoterRecord> = {}): VoterRecord {
  const voter = {
    name: `voter ${number}`,
    key: madeBytes(`key ${number}`),
    weight: 1,
    round: 0,
    number: 0,
    seq: null,
  };
  return { ...voter, ...change };
}

export function madeTracker(seq: number): string {
  return Buffer.from(madeBytes(`tracker ${seq}`))
    .toString('base64')
    .replace(/=+$/, '');
}

/** A checkpoint's three lines and a line that stands for its signature. */
export function madeCheckpoint(size: number): string {
  return `psephos/a test\n${size}\n${Buffer.from(madeBytes(`root ${size}`)).toString('base64')}\n\n— psephos/a test AAAA\n`;
}

/** Deterministic content for entry `seq`; `bytes` long. */
export function madeEntry(seq: number, bytes = 350): Uint8Array {
  return new Uint8Array(Buffer.alloc(bytes, madeBytes(`entry ${seq}`)));
}

/**
 * Makes the batches of a log, which a store can't tell from a real one's: entry i comes with a ballot by voter i, and with
 * the tiles of the true Merkle tree.
 */
export class BatchMaker {
  readonly #tree = new TileAppender();
  readonly #entryBytes: number;

  constructor(entryBytes = 350) {
    this.#entryBytes = entryBytes;
  }

  get size(): number {
    return this.#tree.size;
  }

  root(): Uint8Array {
    return this.#tree.root();
  }

  next(count: number): StoreBatch {
    const from = this.size;
    const entries = Array.from({ length: count }, (_, i) => madeEntry(from + i, this.#entryBytes));
    const tiles = this.#tree.append(entries.map((entry) => leafHash(entry)));
    return {
      from,
      entries,
      tiles,
      checkpoint: { size: from + count, text: madeCheckpoint(from + count) },
      voters: entries.map((_, i) => madeVoter(from + i, { round: 1, number: 1, seq: from + i })),
      ballots: entries.map((_, i) => ({ tracker: madeTracker(from + i), seq: from + i })),
    };
  }
}

/** A maker whose log has the batches' sizes, all of them committed. */
export async function fill(store: Store, sizes: readonly number[], entryBytes?: number): Promise<BatchMaker> {
  const maker = new BatchMaker(entryBytes);
  for (const size of sizes) await store.commit(maker.next(size));
  return maker;
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** Entries of a log as one list, of one class of bytes: some come as Buffers. */
export async function entriesOf(log: Pick<Store, 'entries'>, from = 0, to?: number): Promise<Uint8Array[]> {
  return (await collect(log.entries(from, to))).flat().map((entry) => Uint8Array.from(entry));
}
