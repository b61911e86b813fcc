import { refused } from '../../base/errors.ts';
import { cidOf } from '../../crypto/cid.ts';
import type { GenesisEntry } from '../../election/entries.ts';
import { type LogKey, origin } from '../../log/checkpoint.ts';
import { decodeEntry } from '../../log/entry-codec.ts';

/** The election that is observed: everything is judged by its first entry. */
export interface KnownGenesis {
  readonly electionId: string;
  readonly entry: GenesisEntry;
  readonly bytes: Uint8Array;
  readonly key: LogKey;
}

/** Reads a genesis entry. Throws `bad-answer` where it is none. */
export function knownGenesis(bytes: Uint8Array): KnownGenesis {
  const decoded = decodeEntry(bytes);
  if (!decoded.ok || decoded.value.kind !== 'genesis')
    throw refused('bad-answer', 'What should be the first entry of the log is no genesis.');
  const electionId = cidOf(bytes).toString();
  const key = { origin: origin(electionId), publicKey: decoded.value.authority };
  return { electionId, entry: decoded.value, bytes, key };
}
