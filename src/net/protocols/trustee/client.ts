import type { TrusteeMessage } from '../../../election/trustee-messages.ts';
import type { Requester } from '../../requester.ts';
import { TRUSTEE } from './constants.ts';
import { trusteeAnswerSchema } from './messages.ts';

/** Hands in what a trustee made; resolves when it is in the log. */
export async function askHandIn(peer: Requester, message: TrusteeMessage): Promise<void> {
  await peer.ask(TRUSTEE, message, trusteeAnswerSchema);
}
