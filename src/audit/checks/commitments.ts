import { equalBytes, toBase64 } from '../../base/bytes.ts';
import { CompactTree } from '../../log/merkle.ts';
import type { CheckId, Findings } from '../report.ts';

/** A root that the log must have had at some size. */
export interface Commitment {
  readonly check: CheckId;
  /** What commits, for people: "the newest checkpoint". */
  readonly what: string;
  readonly size: number;
  readonly root: Uint8Array;
}

/** Grows the Merkle tree again, leaf by leaf, and holds it against every commitment at the size that this is about. */
export class CommitmentCheck {
  readonly #findings: Findings;
  readonly #tree = new CompactTree();
  /** By increasing size; those before `#next` are judged. */
  readonly #awaited: readonly Commitment[];
  #next = 0;
  #root: Uint8Array | undefined;

  constructor(awaited: readonly Commitment[], findings: Findings) {
    this.#awaited = [...awaited].sort((a, b) => a.size - b.size);
    this.#findings = findings;
    this.#judgeAwaited();
  }

  get size(): number {
    return this.#tree.size;
  }

  append(leaf: Uint8Array): void {
    this.#tree.append(leaf);
    this.#root = undefined;
    this.#judgeAwaited();
  }

  /** Judges a commitment to the tree's present size. */
  judge({ check, what, size, root }: Commitment): void {
    this.#root ??= this.#tree.root();
    if (equalBytes(root, this.#root)) return;
    const message = `${what} signs the root ${toBase64(root)}, but these entries have ${toBase64(this.#root)}`;
    this.#findings.add({ check, checkpointSize: size, message });
  }

  /** The log has no more entries: commitments to more are broken. */
  end(): void {
    for (const commitment of this.#awaited.slice(this.#next)) this.missing(commitment);
  }

  missing({ check, what, size }: Commitment): void {
    const message = `${what} covers ${size} entries, but the log has only ${this.size}: entries were removed`;
    this.#findings.add({ check, checkpointSize: size, message });
  }

  #judgeAwaited(): void {
    for (;;) {
      const commitment = this.#awaited[this.#next];
      if (commitment?.size !== this.size) return;
      this.#next++;
      this.judge(commitment);
    }
  }
}
