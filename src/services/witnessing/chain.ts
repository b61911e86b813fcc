import { equalBytes, toHex } from '../../base/bytes.ts';
import type { Result } from '../../base/result.ts';
import { parseCheckpoint } from '../../log/checkpoint.ts';
import {
  type Cosignature,
  type CosignedCheckpoint,
  MAX_COSIGNATURES,
  openCosigned,
  withCosignatures,
} from '../../log/cosignature.ts';
import {
  type ForkEvidence,
  type ProvenPrefix,
  formatEvidence,
  judgeEvidence,
  parseEvidence,
} from '../../log/evidence.ts';
import type { PeerClient } from '../ports.ts';
import { type KnownElection, logKeyOf } from '../voter-session.ts';
import { compareCheckpoints, judged } from './comparison.ts';

/** A fork: the authority signed two histories. */
export interface Fork {
  /** Entries of the two checkpoints. */
  readonly first: number;
  readonly second: number;
  /** A file's text that proves it. */
  readonly evidence: string;
}

/** What an observer cosigned last, of this log. */
export interface ObserverWord {
  readonly observer: Uint8Array;
  /** Entries of the checkpoint. */
  readonly size: number;
  /** When, as the observer says, in seconds since 1970. */
  readonly time: number;
}

/** Asks peers, `preferred` first, how the log of `second` entries begins. */
export type AskPrefix = (preferred: PeerClient, first: number, second: number) => AsyncIterable<ProvenPrefix>;

/** How a checkpoint that was given to a peer stands in the log of the one that it answered with. */
export interface ShownPrefix {
  readonly given: CosignedCheckpoint;
  readonly prefix: ProvenPrefix;
}

/** Checkpoints that wait for a proof: each is signed by the authority, so that nobody else can fill this. */
const MAX_LOOSE = 8;
/** Forks that are kept; the first convicts. */
const MAX_FORKS = 8;

/**
 * Checkpoints of one log, each proven to be of the same history as the largest, and so as all others. One that can't be becomes
 * evidence. What observers cosigned counts as far as it is among them.
 */
export class CheckpointChain {
  readonly #election: KnownElection;
  readonly #linked = new Set<string>();
  readonly #words = new Map<string, ObserverWord>();
  readonly #forks = new Map<string, Fork>();
  readonly #loose = new Map<string, CosignedCheckpoint>();
  #top: { readonly checkpoint: CosignedCheckpoint; readonly source: PeerClient };

  /** Begins with a checkpoint that `openHeard` found good, and a peer that may prove what comes before it. */
  constructor(election: KnownElection, checkpoint: CosignedCheckpoint, source: PeerClient) {
    this.#election = election;
    this.#top = { checkpoint, source };
    this.#linked.add(idOf(checkpoint));
    this.#noteWords(checkpoint);
  }

  /** The largest, with the cosignatures that are known of it. */
  get top(): CosignedCheckpoint {
    return this.#top.checkpoint;
  }

  get forks(): readonly Fork[] {
    return [...this.#forks.values()];
  }

  /** Checkpoints that the authority signed, and of which nobody has proven yet whether they are of this history. */
  get loose(): readonly CosignedCheckpoint[] {
    return [...this.#loose.values()].filter((checkpoint) => !this.has(checkpoint));
  }

  /** What each observer cosigned last, for a checkpoint that is part of this history. */
  get words(): readonly ObserverWord[] {
    return [...this.#words.values()];
  }

  /** Whether a checkpoint is proven to be of this history. */
  has(checkpoint: CosignedCheckpoint): boolean {
    return this.#linked.has(idOf(checkpoint));
  }

  /**
   * Takes a checkpoint, from `source`, into the chain; whether it is proven to belong there. A conflict becomes a fork. `shown` spares a
   * question.
   */
  async link(
    one: CosignedCheckpoint,
    source: PeerClient,
    ask: AskPrefix,
    shown?: ShownPrefix,
  ): Promise<boolean> {
    while (!this.has(one)) {
      const { checkpoint: top, source: topSource } = this.#top;
      const grows = one.size > top.size;
      const { genesisBytes } = this.#election;
      const found =
        shown !== undefined && grows && idOf(shown.given) === idOf(top)
          ? judged(genesisBytes, bareOf(top), bareOf(one), shown.prefix)
          : await compareCheckpoints(genesisBytes, [bareOf(one), bareOf(top)], (first, second) =>
              ask(grows ? source : topSource, first, second),
            );
      if (found.kind === 'conflicts') this.#keep(found.evidence, [one.size, top.size]);
      if (found.kind === 'unproven' && this.#loose.size < MAX_LOOSE) this.#loose.set(idOf(one), one);
      if (found.kind !== 'continues') return false;
      // Another one may have become the largest meanwhile, of which nothing is shown yet.
      if (grows && this.top !== top) continue;
      this.#linked.add(idOf(one));
      if (grows) this.#top = { checkpoint: one, source };
    }
    this.#noteWords(one);
    return true;
  }

  /** Takes evidence that somebody gave: kept where it proves a fork of this log, and passed over where it doesn't. */
  takeEvidence(text: string): void {
    const evidence = parseEvidence(text);
    if (!evidence.ok || evidence.value.kind !== 'fork') return;
    const judgement = judgeEvidence(evidence.value);
    if (!judgement.ok || judgement.value.electionId !== this.#election.electionId) return;
    const { finding } = judgement.value;
    if (finding.kind === 'fork') this.#keep(evidence.value, [finding.first.size, finding.second.size]);
  }

  #keep(evidence: ForkEvidence, sizes: readonly [number, number]): void {
    const [first, second] = [Math.min(...sizes), Math.max(...sizes)];
    const parsed = parseCheckpoint(evidence.first);
    if (!parsed.ok) throw new Error(`evidence with a checkpoint that can't be read: ${parsed.error}`);
    // A history that went on conflicts anew at each size: where it parts says whether it is the same one, whichever side it is seen from.
    const roots = [toHex(parsed.value.root), toHex(evidence.root)].sort();
    const id = `${first} ${roots.join(' ')}`;
    if (this.#forks.has(id) || this.#forks.size >= MAX_FORKS) return;
    this.#forks.set(id, { first, second, evidence: formatEvidence(evidence) });
  }

  #noteWords(checkpoint: CosignedCheckpoint): void {
    for (const { observer, time } of checkpoint.cosignatures) {
      const id = toHex(observer);
      if ((this.#words.get(id)?.size ?? 0) < checkpoint.size)
        this.#words.set(id, { observer, size: checkpoint.size, time });
    }
    const { checkpoint: top, source } = this.#top;
    if (checkpoint !== top && idOf(checkpoint) === idOf(top))
      this.#top = { checkpoint: withMore(top, checkpoint.cosignatures), source };
  }
}

/** Reads a checkpoint that the authority must have signed, with observers' cosignatures; its own would say nothing more. */
export function openHeard(election: KnownElection, text: string): Result<CosignedCheckpoint, string> {
  const { authority } = election.genesis;
  return openCosigned(text, logKeyOf(election), (observer) => !equalBytes(observer, authority));
}

function withMore(checkpoint: CosignedCheckpoint, more: readonly Cosignature[]): CosignedCheckpoint {
  const known = new Map(
    [...more, ...checkpoint.cosignatures].map((one) => [toHex(one.observer), one] as const),
  );
  const cosignatures = [...known.values()].slice(0, MAX_COSIGNATURES);
  return { ...checkpoint, cosignatures, text: withCosignatures(checkpoint.bare, cosignatures) };
}

/** Two checkpoints of one size and root say the same, whoever signed them. */
function idOf({ size, root }: CosignedCheckpoint): string {
  return `${size} ${toHex(root)}`;
}

/** As evidence has it: what convicts is signed by the authority alone. */
function bareOf(checkpoint: CosignedCheckpoint): CosignedCheckpoint {
  return { ...checkpoint, text: checkpoint.bare };
}
