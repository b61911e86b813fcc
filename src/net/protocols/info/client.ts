import type { ElectionInfo, VoterAnswer, VoterQuery } from '../../../services/ports.ts';
import type { Requester } from '../../requester.ts';
import { INFO } from './constants.ts';
import { electionInfoSchema, standingSchema } from './messages.ts';

export function askInfo(peer: Requester): Promise<ElectionInfo> {
  return peer.ask(INFO, {}, electionInfoSchema);
}

/** Undefined where the roll has no such voter. */
export async function askStanding(peer: Requester, voter: VoterQuery): Promise<VoterAnswer | undefined> {
  return (await peer.ask(INFO, { voter }, standingSchema)) ?? undefined;
}
