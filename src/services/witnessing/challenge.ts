import type { CosignedCheckpoint } from '../../log/cosignature.ts';
import type { ProvenPrefix } from '../../log/evidence.ts';
import { type PeerClient, PeerRefusal } from '../ports.ts';
import { openShown } from '../receipt-check.ts';
import { type KnownElection, badAnswer } from '../voter-session.ts';
import { type AskPrefix, type CheckpointChain, openHeard } from './chain.ts';

/** What a peer makes of a checkpoint that the authority signed. */
export type Challenged =
  /** Its log goes on from there; or it is another one, which is a fork in the chain by now. */
  | { readonly kind: 'settled' }
  /** It has no such log: it shows fewer entries. */
  | { readonly kind: 'shorter'; readonly shown: number }
  /** It has as many entries, and does not prove that they begin so. */
  | { readonly kind: 'unproven' };

/**
 * Has a peer prove that its log, as it is now, goes on from a checkpoint that the authority signed; what it shows becomes part of the
 * chain. Throws `bad-answer` for a newest checkpoint that is not good, and what asking throws.
 */
export async function challenge(
  peer: PeerClient,
  election: KnownElection,
  chain: CheckpointChain,
  checkpoint: CosignedCheckpoint,
): Promise<Challenged> {
  const newest = openHeard(election, openShown(await peer.latestCheckpoint(), election).text);
  if (!newest.ok) throw badAnswer(newest.error);
  const { size } = newest.value;
  if (size < checkpoint.size) return { kind: 'shorter', shown: size };
  const ask = proofsOf(peer);
  const linked = (await chain.link(newest.value, peer, ask)) && (await chain.link(checkpoint, peer, ask));
  return { kind: linked || chain.forks.length > 0 ? 'settled' : 'unproven' };
}

/** Proofs by one peer, for as long as it takes. */
export function proofsOf(peer: PeerClient): AskPrefix {
  return (_, first, second) => proofOf(peer, first, second);
}

async function* proofOf(peer: PeerClient, first: number, second: number): AsyncIterable<ProvenPrefix> {
  try {
    yield await peer.consistency(first, second);
  } catch (error) {
    // It says that it has no such entries: that is no proof, and what it means is for the caller to say.
    if (!(error instanceof PeerRefusal && error.code === 'not-found')) throw error;
  }
}
