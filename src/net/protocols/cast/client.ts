import type { Requester } from '../../requester.ts';
import { CAST } from './constants.ts';
import { castAnswerSchema } from './messages.ts';

/** Casts an encoded signed ballot; resolves to the receipt's text, which is not checked here. */
export async function askCast(peer: Requester, ballot: Uint8Array): Promise<string> {
  return (await peer.ask(CAST, { ballot }, castAnswerSchema)).receipt;
}
