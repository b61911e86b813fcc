import type { LogSource } from '../../audit/source.ts';
import { parseCheckpoint } from '../../log/checkpoint.ts';
import { consistencyProof, leafHash, readRoot } from '../../log/merkle.ts';
import { type Tile, TileAppender, tileNodeReader } from '../../log/tiles.ts';
import { badSource } from '../observing/intake.ts';
import type { ConsistencyAnswer, LogUpdate, PeerClient } from '../ports.ts';

/** Where a log is fetched from. Nothing of it is believed. */
export interface FetchSource {
  readonly name: string;
  /** Entries that its newest checkpoint covers. */
  readonly size: number;
  /** The log from entry `from` on, until all there is was sent; see `PeerClient.follow`. */
  updates(from: number): AsyncIterable<LogUpdate>;
  /** How its log begins, proven up to its newest checkpoint. */
  prefix(first: number): Promise<ConsistencyAnswer>;
}

export function peerSource(client: PeerClient, size: number): FetchSource {
  return {
    name: client.name,
    size,
    updates: (from) => client.follow(from),
    prefix: (first) => client.consistency(first),
  };
}

/** A log that does not grow: an export, or a data folder as it was when it was opened. */
export function storedSource(source: LogSource, size: number): FetchSource {
  return {
    name: source.name,
    size,
    updates: (from) => updatesOf(source, from),
    prefix: (first) => prefixOf(source, first),
  };
}

async function* updatesOf(source: LogSource, from: number): AsyncGenerator<LogUpdate, void, undefined> {
  const newest = await source.latestCheckpoint();
  const checkpoints = source.checkpoints(from + 1)[Symbol.asyncIterator]();
  try {
    let next = from;
    let ahead = await checkpoints.next();
    for await (const entries of source.entries(from)) {
      next += entries.length;
      yield { entries };
      let covering: string | undefined;
      while (ahead.done !== true && sizeOf(ahead.value) <= next) {
        covering = ahead.value;
        ahead = await checkpoints.next();
      }
      if (covering !== undefined) yield { checkpoint: covering };
    }
    yield { caughtUp: true, checkpoint: newest };
  } finally {
    await checkpoints.return?.();
  }
}

/** Reads the whole log, and keeps a hash of each entry in memory; asked for only where something is wrong. */
async function prefixOf(source: LogSource, first: number): Promise<ConsistencyAnswer> {
  const checkpoint = await source.latestCheckpoint();
  if (checkpoint === undefined) throw badSource('it has no checkpoint');
  const size = sizeOf(checkpoint);
  const tiles = new Map<string, Tile>();
  const tree = new TileAppender();
  for await (const entries of source.entries(0, size))
    for (const tile of tree.append(entries.map(leafHash))) tiles.set(`${tile.level}/${tile.index}`, tile);
  if (tree.size !== size || first > size)
    throw badSource('its checkpoint covers entries that it does not hold');
  const read = tileNodeReader((level, index) => Promise.resolve(tiles.get(`${level}/${index}`)?.bytes), size);
  return {
    checkpoint,
    root: await readRoot(read, first),
    proof: await consistencyProof(read, first, size),
  };
}

function sizeOf(checkpoint: string): number {
  const parsed = parseCheckpoint(checkpoint);
  if (!parsed.ok) throw badSource(`its checkpoint is not good: ${parsed.error}`);
  return parsed.value.size;
}
