import type { GenesisEntry } from '../election/entries.ts';
import type { LogState } from '../election/log-state.ts';
import type { Head } from '../log/entry-codec.ts';
import type { LogProofs } from './log-proofs.ts';
import type { Store } from './ports.ts';

/** A log that this process holds, as far as others may see it: what is on disk, whoever wrote it. */
export interface LogView {
  readonly electionId: string;
  readonly genesis: GenesisEntry;
  readonly state: LogState;
  readonly head: Head;
  readonly store: Store;
  readonly proofs: LogProofs;
  /** Ballots, and voters who cast one, in the newest round. */
  readonly turnout: { readonly ballots: number; readonly voted: number };
  /** Whether the store can't be used just now. */
  readonly suspended: boolean;
  /** The time that an entry made now would get, in ms. */
  logTime(): number;
  /** Calls back after each commit with the new size, until the returned function is called. */
  onGrowth(listener: (size: number) => void): () => void;
}
