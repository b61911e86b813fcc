import { cidOf } from '../crypto/cid.ts';
import type { GenesisEntry } from '../election/entries.ts';
import { type LogKey, origin } from '../log/checkpoint.ts';
import { decodeEntry } from '../log/entry-codec.ts';
import { damage } from './batches.ts';
import type { LogSource } from './source.ts';

/** What a log's first entry says of who answers for it. */
export interface Authority {
  readonly electionId: string;
  readonly key: LogKey;
  readonly genesis: GenesisEntry;
  /** The first entry, as the source gave it. */
  readonly bytes: Uint8Array;
}

/** Reads the log's first entry; undefined where that isn't a genesis. Nothing of it is judged yet. */
export async function readAuthority(source: LogSource): Promise<Authority | undefined> {
  const bytes = await firstEntry(source);
  const decoded = bytes && decodeEntry(bytes);
  if (decoded?.ok !== true || decoded.value.kind !== 'genesis') return undefined;
  const electionId = cidOf(bytes as Uint8Array).toString();
  const genesis = decoded.value;
  const key = { origin: origin(electionId), publicKey: genesis.authority };
  return { electionId, key, genesis, bytes: bytes as Uint8Array };
}

async function firstEntry(source: LogSource): Promise<Uint8Array | undefined> {
  try {
    for await (const [first] of source.entries(0, 1)) if (first !== undefined) return first;
  } catch (error) {
    // The damage is reported when the log is read in full.
    if (damage(error) === undefined) throw error;
  }
  return undefined;
}
