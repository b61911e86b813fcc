import type { LogKey } from '../../log/checkpoint.ts';
import { openCosigned } from '../../log/cosignature.ts';
import { type ForkEvidence, type ProvenPrefix, continuity } from '../../log/evidence.ts';
import type { KnownGenesis } from '../observing/known-genesis.ts';

/** Two histories that an authority signed: nothing that this program can do makes them one. */
export class ForkFound extends Error {
  override readonly name = 'ForkFound';
  readonly evidence: ForkEvidence;

  constructor(evidence: ForkEvidence) {
    super('the authority signed two histories');
    this.evidence = evidence;
  }
}

/**
 * Evidence that the log with the checkpoint `later`, which begins as `prefix` proves, is of another history than `earlier`. Undefined where
 * that is not shown.
 */
export function forkBetween(
  { bytes: genesis, key }: KnownGenesis,
  {
    earlier,
    later,
    prefix: { root, proof },
  }: { readonly earlier: string; readonly later: string; readonly prefix: ProvenPrefix },
): ForkEvidence | undefined {
  const [first, second] = [open(earlier, key), open(later, key)];
  if (!first.ok || !second.ok || first.value.size > second.value.size) return undefined;
  if (continuity(first.value, second.value, { root, proof }) !== 'conflicts') return undefined;
  return { kind: 'fork', genesis, first: first.value.bare, second: second.value.bare, root, proof };
}

/** Whoever cosigned it has no part in a fork. */
function open(text: string, key: LogKey) {
  return openCosigned(text, key, () => false);
}
