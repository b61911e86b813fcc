import type { CID } from 'multiformats/cid';
import { decodeDagCbor, encodeDagCbor } from '../base/dag-cbor.ts';
import { type Result, err, ok } from '../base/result.ts';
import { cidOf } from '../crypto/cid.ts';
import { ENTRY_VERSION, type Entry, type EntryContent } from '../election/entries.ts';
import { MAX_ENTRY_BYTES } from '../election/limits.ts';
import { entrySchema, firstIssue } from '../election/schemas.ts';
import { writeBallotEntry } from './ballot-frame.ts';
import { readRollEntry } from './roll-frame.ts';

/** The one encoding of an entry: a DAG-CBOR block. */
export function encodeEntry(entry: Entry): Uint8Array {
  return encodeDagCbor(entry);
}

/** Reads an entry strictly: bounded, canonical, of a known kind and shape. The error says what is wrong with it. */
export function decodeEntry(bytes: Uint8Array): Result<Entry, string> {
  const roll = readRollEntry(bytes);
  return roll === undefined ? decodeAnyEntry(bytes) : ok(roll);
}

/** The general way to do so, which has the last word on all that is not read by its frame. */
export function decodeAnyEntry(bytes: Uint8Array): Result<Entry, string> {
  const decoded = decodeDagCbor(bytes, MAX_ENTRY_BYTES);
  if (!decoded.ok) return decoded;
  const parsed = entrySchema.safeParse(decoded.value);
  return parsed.success ? ok(parsed.data) : err(`not a valid entry: ${firstIssue(parsed.error)}`);
}

/** The end of a log, to which the next entry is chained. */
export interface Head {
  /** Number of entries. */
  readonly size: number;
  /** CID of the last entry; null for an empty log. */
  readonly cid: CID | null;
  /** Time of the last entry, in ms. */
  readonly time: number;
}

export const EMPTY_HEAD: Head = { size: 0, cid: null, time: 0 };

export interface ChainedEntry {
  readonly entry: Entry;
  readonly bytes: Uint8Array;
  readonly cid: CID;
}

/**
 * Gives content its place behind `head`. A clock that was set back doesn't show: the log's time never decreases.
 */
export function chainEntry(head: Head, content: EntryContent, now: number): ChainedEntry {
  const entry: Entry = {
    v: ENTRY_VERSION,
    seq: head.size,
    prev: head.cid,
    time: Math.max(now, head.time),
    ...content,
  };
  const bytes = (entry.kind === 'ballot' ? writeBallotEntry(entry) : undefined) ?? encodeEntry(entry);
  return { entry, bytes, cid: cidOf(bytes) };
}

/** The head after an entry. */
export function headAfter({ entry, cid }: { readonly entry: Entry; readonly cid: CID }): Head {
  return { size: entry.seq + 1, cid, time: entry.time };
}

/** Why an entry does not follow `head`, or undefined when it does. */
export function linkProblem(head: Head, entry: Pick<Entry, 'seq' | 'prev' | 'time'>): string | undefined {
  if (entry.seq !== head.size) return `it says it is entry ${entry.seq}`;
  const linked = head.cid === null ? entry.prev === null : entry.prev !== null && head.cid.equals(entry.prev);
  if (!linked) return `its "prev" is ${String(entry.prev)}, but the entry before is ${String(head.cid)}`;
  if (entry.time < head.time)
    return `its time ${entry.time} is before the time ${head.time} of the entry before it`;
  return undefined;
}
