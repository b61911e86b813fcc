import { refused } from '../base/errors.ts';
import type { SignedBallot } from '../election/entries.ts';
import { type Checkpoint, parseCheckpoint } from '../log/checkpoint.ts';
import { decodeEntry } from '../log/entry-codec.ts';
import type { ProvenPrefix } from '../log/evidence.ts';
import {
  type NodeReader,
  consistencyProof,
  inclusionProof,
  inclusionProofs,
  readRoot,
} from '../log/merkle.ts';
import { NodeCache, cachedNodeReader } from '../log/node-cache.ts';
import { formatReceipt, formatReceipts } from '../log/receipt.ts';
import { type PreparedBatch, tileNodeReader } from '../log/tiles.ts';
import type { Appended } from './election-log.ts';
import type { ConsistencyAnswer, ProvenEntry, Store } from './ports.ts';

/** Proofs from a store, which has its own checkpoints, of what is in its log. */
export class LogProofs {
  readonly #store: Store;
  readonly #nodes = new NodeCache();

  constructor(store: Store) {
    this.#store = store;
  }

  /** Takes note of subtrees that were just written, which the next proofs need. */
  learn(nodes: PreparedBatch['nodes']): void {
    for (const { level, index, hash } of nodes) this.#nodes.put({ level, index }, hash);
  }

  /** The receipt of an entry: its proof against the first stored checkpoint that covers it, so it is always the same text. */
  async receipt(seq: number): Promise<string> {
    const entry = await this.#entryAt(seq);
    for await (const checkpoint of this.#store.checkpoints(seq + 1)) {
      const own = readOwn(checkpoint);
      const proof = await inclusionProof(this.#nodeReader(own.size), seq, own.size);
      return formatReceipt({ index: seq, proof, checkpoint: own, extra: entry });
    }
    throw refused('store-damaged', `No checkpoint covers entry ${seq}.`);
  }

  /** The receipts of all entries of one append, in order: the same texts that `receipt` makes, for much less work. */
  async receipts({ entries, checkpoint }: Appended): Promise<string[]> {
    if (checkpoint === undefined) return [];
    const indexes = entries.map(({ entry }) => entry.seq);
    const proofs = await inclusionProofs(this.#nodeReader(checkpoint.size), indexes, checkpoint.size);
    return formatReceipts(
      entries.map(({ entry, bytes }, at) => ({
        index: entry.seq,
        proof: proofs[at] ?? [],
        checkpoint,
        extra: bytes,
      })),
    );
  }

  /** The ballot in an entry. Throws `store-damaged` where there is none. */
  async ballot(seq: number): Promise<SignedBallot> {
    const entry = decodeEntry(await this.#entryAt(seq));
    if (entry.ok && entry.value.kind === 'ballot') return entry.value.ballot;
    throw refused('store-damaged', `Entry ${seq} should be a ballot, and can't be read as one.`);
  }

  /** An entry with its proof of inclusion in the newest checkpoint (or in the given one of our own). */
  async inclusion(seq: number, checkpoint?: string): Promise<ProvenEntry & { readonly checkpoint: string }> {
    const text = checkpoint ?? (await this.newestCheckpoint());
    const { size } = readOwn(text);
    const proof = await inclusionProof(this.#nodeReader(size), seq, size);
    return { index: seq, entry: await this.#entryAt(seq), proof, checkpoint: text };
  }

  /** How the log of `second` entries (those of the newest checkpoint, unless given) begins: the root of its first `first`, with the proof. */
  async consistency(first: number, second?: number): Promise<ConsistencyAnswer> {
    const checkpoint = await this.newestCheckpoint();
    const prefix = await this.prefix(first, second ?? readOwn(checkpoint).size);
    return { ...prefix, checkpoint };
  }

  /** The root of the log's first `first` entries, and the proof that leads from it to the root of its first `second`. */
  async prefix(first: number, second: number): Promise<ProvenPrefix> {
    const read = this.#nodeReader(second);
    return { root: await readRoot(read, first), proof: await consistencyProof(read, first, second) };
  }

  async newestCheckpoint(): Promise<string> {
    const text = await this.#store.latestCheckpoint();
    if (text === undefined) throw refused('store-damaged', 'The log has no checkpoint.');
    return text;
  }

  #nodeReader(size: number): NodeReader {
    return cachedNodeReader(this.#nodes, tileNodeReader(this.#store.readTile, size));
  }

  async #entryAt(seq: number): Promise<Uint8Array> {
    const entry = await this.#store.entry(seq);
    if (entry === undefined) throw refused('store-damaged', `Entry ${seq} is missing from the log.`);
    return entry;
  }
}

/** Reads a checkpoint of our own store: signed by the authority, and checked when the log was opened or it was taken in. */
function readOwn(text: string): Checkpoint {
  const parsed = parseCheckpoint(text);
  if (!parsed.ok) throw refused('store-damaged', `A stored checkpoint can't be read: ${parsed.error}.`);
  return parsed.value;
}
