import { refused } from '../../base/errors.ts';
import type { KnownElection } from '../../services/voter-session.ts';
import type { Console } from '../console.ts';
import type { Ask } from './ask.ts';

/** Has the voter compare the fingerprint, where the address names no key. Throws `not-confirmed`. */
export async function confirmFingerprint(
  election: KnownElection,
  ask: Ask | undefined,
  out: Console,
): Promise<void> {
  out.note(
    'WARNING: the address does not name the key of the election. Whoever controls the network between you and the\n' +
      'organiser could show you an election of their own, and learn your vote. Compare the fingerprint with the one\n' +
      `that the organiser gave out by another way:\n\n    ${election.fingerprint}\n\n`,
  );
  if (await ask?.confirm('Is it the same?', false)) return;
  throw refused('not-confirmed', 'The election could not be verified. Nothing was cast.', {
    hint: 'Ask the organiser for the invite, or for the fingerprint.',
  });
}
