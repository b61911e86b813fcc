import type { Requester } from '../../requester.ts';
import { ENROL } from './constants.ts';
import { enrolAnswerSchema } from './messages.ts';

/** Sends an encoded enrolment; resolves to the receipt's text, which is not checked here. */
export async function askEnrol(peer: Requester, enrolment: Uint8Array): Promise<string> {
  return (await peer.ask(ENROL, { enrolment }, enrolAnswerSchema)).receipt;
}
