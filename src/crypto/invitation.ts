import { sha256 } from './hash.ts';
import { invitationInput } from './transcript.ts';

/** What the log says of an invitation's code: 32 bytes from which nobody finds the code, of 115 random bits. */
export function invitationHash(code: string): Uint8Array {
  return sha256(invitationInput(code));
}
