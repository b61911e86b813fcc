import { equalBytes, toHex } from '../../base/bytes.ts';
import { type Result, ok } from '../../base/result.ts';
import type { Checkpoint } from '../../log/checkpoint.ts';
import { type CosignedCheckpoint, openCosigned } from '../../log/cosignature.ts';
import type { ForkEvidence } from '../../log/evidence.ts';
import type { LogView } from '../log-view.ts';
import type { KnownGenesis } from '../observing/known-genesis.ts';
import { forkBetween } from './fork.ts';

/** A checkpoint that the authority signed, and who has it. */
export interface HeldCheckpoint {
  readonly checkpoint: Checkpoint;
  /** Addresses, or files, for people. */
  readonly holders: readonly string[];
}

/** Why a log must not be signed further. */
export type HistoryProblem =
  /** Its authority signed another history. */
  | { readonly kind: 'conflict'; readonly held: HeldCheckpoint; readonly evidence: ForkEvidence }
  /** Its authority signed for more entries than are here. */
  | { readonly kind: 'incomplete'; readonly held: HeldCheckpoint };

/** All checkpoints of one log that somebody showed: whoever signs the log further must continue each of them. */
export class HeldCheckpoints {
  readonly #genesis: KnownGenesis;
  readonly #bySizeAndRoot = new Map<string, { checkpoint: Checkpoint; holders: Set<string> }>();

  constructor(genesis: KnownGenesis) {
    this.#genesis = genesis;
  }

  /** Takes a checkpoint, with its cosignatures verified. The error says why it is not the authority's. */
  add(text: string, holder: string): Result<CosignedCheckpoint, string> {
    const opened = openCosigned(text, this.#genesis.key);
    if (!opened.ok) return opened;
    const { size, root, bare } = opened.value;
    const id = `${size} ${toHex(root)}`;
    const known = this.#bySizeAndRoot.get(id);
    if (known !== undefined) known.holders.add(holder);
    // Whatever log there is continues an empty one.
    else if (size > 0)
      this.#bySizeAndRoot.set(id, {
        checkpoint: { ...opened.value, text: bare },
        holders: new Set([holder]),
      });
    return ok(opened.value);
  }

  /** Notes that somebody else has a checkpoint, too. */
  alsoHeldBy({ size, root }: Checkpoint, holder: string): void {
    this.#bySizeAndRoot.get(`${size} ${toHex(root)}`)?.holders.add(holder);
  }

  get count(): number {
    return this.#bySizeAndRoot.size;
  }

  /** Undefined while there is none. */
  get largest(): HeldCheckpoint | undefined {
    return this.#all().at(-1);
  }

  /** What keeps the log from continuing all of them; a conflict, which nothing mends, before what is only missing. */
  async problemIn({ head, proofs }: Pick<LogView, 'head' | 'proofs'>): Promise<HistoryProblem | undefined> {
    const { largest } = this;
    if (head.size > 0) {
      const newest = await proofs.newestCheckpoint();
      for (const held of this.#all()) {
        const { size, root, text } = held.checkpoint;
        if (size > head.size) break;
        const prefix = await proofs.prefix(size, head.size);
        if (equalBytes(prefix.root, root)) continue;
        const evidence = forkBetween(this.#genesis, { earlier: text, later: newest, prefix });
        if (evidence === undefined) throw new Error('a proof of our own does not hold');
        return { kind: 'conflict', held, evidence };
      }
    }
    return largest !== undefined && largest.checkpoint.size > head.size
      ? { kind: 'incomplete', held: largest }
      : undefined;
  }

  /** By increasing size. */
  #all(): HeldCheckpoint[] {
    return [...this.#bySizeAndRoot.values()]
      .map(({ checkpoint, holders }) => ({ checkpoint, holders: [...holders] }))
      .sort((a, b) => a.checkpoint.size - b.checkpoint.size);
  }
}
