import type { InclusionQuery, PeerClient } from '../../../services/ports.ts';
import type { Requester } from '../../requester.ts';
import { PROOF } from './constants.ts';
import { consistencySchema, inclusionSchema, newestCheckpointSchema } from './messages.ts';

/** The proofs are not verified here: nothing that a peer says is, before a service checks it against its anchor. */
export const askInclusion = (
  peer: Requester,
  inclusion: InclusionQuery,
): ReturnType<PeerClient['inclusion']> => peer.ask(PROOF, { inclusion }, inclusionSchema);

export const askConsistency = (
  peer: Requester,
  first: number,
  second?: number,
): ReturnType<PeerClient['consistency']> =>
  peer.ask(PROOF, { consistency: { first, ...(second === undefined ? {} : { second }) } }, consistencySchema);

export async function askLatestCheckpoint(peer: Requester): Promise<string | undefined> {
  return (await peer.ask(PROOF, { checkpoint: true }, newestCheckpointSchema)).checkpoint ?? undefined;
}
