/**
 * A log as an auditor sees it, wherever it is kept: a data folder, an export, a peer. Nothing of it is trusted, and
 * nothing can be written to it.
 */
export interface LogSource {
  /** What this is, for people: a path or an address. */
  readonly name: string;
  /** Entries' bytes in order, from index `from` up to, not including, `to` (or the end), in chunks of any size. */
  entries(from: number, to?: number): AsyncIterable<readonly Uint8Array[]>;
  /** Checkpoints (signed notes) in increasing order of size, those of size `from` and more. */
  checkpoints(from: number): AsyncIterable<string>;
  /** The newest checkpoint; undefined for a log without any. */
  latestCheckpoint(): Promise<string | undefined>;
}
