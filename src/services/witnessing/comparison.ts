import type { Checkpoint } from '../../log/checkpoint.ts';
import { type ForkEvidence, type ProvenPrefix, continuity } from '../../log/evidence.ts';

/** What two checkpoints of one authority turn out to be. */
export type Comparison =
  | { readonly kind: 'continues' }
  /** Nobody who was asked could show it. */
  | { readonly kind: 'unproven' }
  | { readonly kind: 'conflicts'; readonly evidence: ForkEvidence };

/**
 * How the smaller of two checkpoints, both signed by the authority whose genesis this is, stands to the larger. `ask` gives roots of
 * the first entries in logs that cover the larger one, with their proofs, until one proves something.
 */
export async function compareCheckpoints(
  genesis: Uint8Array,
  [one, other]: readonly [Checkpoint, Checkpoint],
  ask: (first: number, second: number) => AsyncIterable<ProvenPrefix>,
): Promise<Comparison> {
  const [first, second] = one.size <= other.size ? [one, other] : [other, one];
  if (first.size === second.size) return judged(genesis, first, second, { root: second.root, proof: [] });
  for await (const prefix of ask(first.size, second.size)) {
    const found = judged(genesis, first, second, prefix);
    if (found.kind !== 'unproven') return found;
  }
  return { kind: 'unproven' };
}

/** What a proof shows of two checkpoints, the first of which has no more entries. */
export function judged(
  genesis: Uint8Array,
  first: Checkpoint,
  second: Checkpoint,
  { root, proof }: ProvenPrefix,
): Comparison {
  const kind = continuity(first, second, { root, proof });
  if (kind !== 'conflicts') return { kind };
  return {
    kind,
    evidence: { kind: 'fork', genesis, first: first.text, second: second.text, root, proof },
  };
}
