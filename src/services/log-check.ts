import { equalBytes } from '../base/bytes.ts';
import { refused } from '../base/errors.ts';
import { cidOf } from '../crypto/cid.ts';
import { encodeSignedBallot, readBallot, trackerOf } from '../election/ballot.ts';
import type { Entry } from '../election/entries.ts';
import { LogState } from '../election/log-state.ts';
import { openCheckpoint, origin } from '../log/checkpoint.ts';
import { EMPTY_HEAD, type Head, decodeEntry, headAfter, linkProblem } from '../log/entry-codec.ts';
import { leafHash } from '../log/merkle.ts';
import { TileAppender } from '../log/tiles.ts';
import { LogIndexer } from './log-index.ts';
import type { Store } from './ports.ts';

/** What a log turns out to hold when it is opened. */
export interface CheckedLog {
  readonly state: LogState;
  readonly head: Head;
  readonly tree: TileAppender;
  /** Ballots, and voters who cast one, in the newest round. */
  readonly ballots: number;
  readonly voted: number;
}

const TILE_WIDTH = 256;
const HASH_BYTES = 32;

/**
 * Reads a whole log as a process takes it up: chain, tree and newest checkpoint must agree, else it throws
 * `store-damaged` naming the entry. Signatures of ballots are left to the audit. Entries are never changed; indexes
 * that lag behind, or were lost, are made again from them.
 */
export async function checkLog(store: Store, onProgress: (done: number) => void): Promise<CheckedLog> {
  const rebuild = await startRebuild(store);
  const compareWithTile = tileComparison(store);
  const state = new LogState();
  const tree = new TileAppender();
  let head: Head = EMPTY_HEAD;
  let ballots = 0;
  let voted = 0;
  for await (const chunk of store.entries(0)) {
    const leaves: Uint8Array[] = [];
    for (const bytes of chunk) {
      const leaf = leafHash(bytes);
      if (rebuild === undefined) await compareWithTile(head.size, leaf);
      const entry = decodeOrDamaged(bytes, head.size);
      const link = linkProblem(head, entry);
      if (link !== undefined) throw damaged(head.size, link);
      const [problem] = state.problems(entry);
      if (problem !== undefined) throw damaged(head.size, problem);
      const cid = cidOf(bytes);
      state.apply(entry, cid);
      head = headAfter({ entry, cid });
      leaves.push(leaf);
      if (entry.kind === 'round') ballots = voted = 0;
      if (entry.kind === 'ballot') {
        ballots++;
        if (firstOfItsVoter(entry)) voted++;
      }
      await rebuild?.entry(entry, state);
    }
    const { tiles, commit } = tree.prepare(leaves);
    commit();
    await rebuild?.flush(tiles, head.size);
    onProgress(head.size);
  }
  await checkNewestCheckpoint(store, state, head, tree);
  return { state, head, tree, ballots, voted };
}

function decodeOrDamaged(bytes: Uint8Array, seq: number): Entry {
  const decoded = decodeEntry(bytes);
  if (!decoded.ok) throw damaged(seq, decoded.error);
  return decoded.value;
}

function firstOfItsVoter(entry: Extract<Entry, { kind: 'ballot' }>): boolean {
  const ballot = readBallot(entry.ballot);
  if (!ballot.ok) throw damaged(entry.seq, ballot.error.message);
  return ballot.value.number === 1;
}

/** The tiles hold each entry's hash a second time, which tells the damaged entry from the one chained to it. */
function tileComparison(store: Store): (seq: number, leaf: Uint8Array) => Promise<void> {
  let tile: { readonly index: number; readonly bytes: Uint8Array } | undefined;
  return async (seq, leaf) => {
    const index = Math.floor(seq / TILE_WIDTH);
    if (tile?.index !== index) {
      const bytes = await store.readTile(0, index);
      if (bytes === undefined) throw damaged(seq, 'its hash is missing from the index');
      tile = { index, bytes };
    }
    const at = (seq % TILE_WIDTH) * HASH_BYTES;
    if (!equalBytes(tile.bytes.subarray(at, at + HASH_BYTES), leaf)) {
      throw damaged(seq, 'its content does not have the hash it was stored with');
    }
  };
}

async function checkNewestCheckpoint(
  store: Store,
  state: LogState,
  head: Head,
  tree: TileAppender,
): Promise<void> {
  const genesis = state.genesis;
  const id = state.electionId;
  if (genesis === undefined || id === undefined) {
    if (head.size === 0 && (await store.latestCheckpoint()) === undefined) return;
    throw damaged(0, 'the log does not begin with a genesis');
  }
  const text = await store.latestCheckpoint();
  if (text === undefined) throw damaged(head.size - 1, 'no checkpoint covers it');
  const checkpoint = openCheckpoint(text, { origin: origin(id), publicKey: genesis.authority });
  if (!checkpoint.ok) throw damaged(head.size - 1, `the newest checkpoint is not valid: ${checkpoint.error}`);
  if (checkpoint.value.size !== head.size) {
    throw damaged(
      Math.min(head.size, checkpoint.value.size),
      `the log has ${head.size} entries where its checkpoint says ${checkpoint.value.size}`,
    );
  }
  if (!equalBytes(checkpoint.value.root, tree.root())) {
    throw damaged(head.size - 1, 'the log does not have the root that its checkpoint was signed for');
  }
}

function damaged(seq: number, why: string): Error {
  return refused('store-damaged', `Entry ${seq} of the log is damaged: ${why}.`, {
    hint: 'Nothing was changed or repaired. Restore the data folder from a copy; verify-log tells more about this one.',
  });
}

interface Rebuild {
  entry(entry: Entry, state: LogState): Promise<void>;
  flush(tiles: Parameters<Store['putIndexes']>[0]['tiles'], size: number): Promise<void>;
}

/** Sets up the rebuild of the indexes where they don't cover the log; undefined where they do. */
async function startRebuild(store: Store): Promise<Rebuild | undefined> {
  if (await store.indexesComplete()) return undefined;
  await store.clearIndexes();
  const indexer = new LogIndexer((key) => store.voter(key));
  return {
    async entry(entry, state) {
      if (entry.kind !== 'ballot') {
        await indexer.other(entry);
        return;
      }
      const ballot = readBallot(entry.ballot);
      if (!ballot.ok) throw damaged(entry.seq, ballot.error.message);
      const { voter, number } = ballot.value;
      const tracker = trackerOf(ballot.value, encodeSignedBallot(entry.ballot));
      await indexer.ballot({ seq: entry.seq, round: state.rounds.length, voter, number, tracker });
    },
    async flush(tiles, size) {
      await store.putIndexes({ tiles, ...indexer.take(), indexedSize: size });
    },
  };
}
