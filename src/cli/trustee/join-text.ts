import type { TrusteeStep } from '../../election/entries.ts';
import type { TrusteeMessage } from '../../election/trustee-messages.ts';

/** What a trustee is told after a step of the key ceremony. */
export function stepText(kind: TrusteeStep): string {
  switch (kind) {
    case 'key':
      return 'Your public key is in the log.\n';
    case 'certificate':
      return 'Step 1 of 3 is done: your certificate is in the log.\n';
    case 'polynomial':
      return 'Step 2 of 3 is done: your polynomial is in the log.\n';
    case 'share':
      return 'Step 3 of 3 is done: your share is made, and its public key is in the log.\n';
    case 'complaint':
      return (
        'WHAT ANOTHER TRUSTEE SENT YOU WAS WRONG. A complaint that shows it is in the log, which ends the ceremony; the organiser has\n' +
        'to begin it anew.\n'
      );
  }
}

/** What a trustee is told after showing that it could decrypt, and after decrypting. */
export function doneText(message: Exclude<TrusteeMessage, { kind: 'step' }>): string {
  return message.kind === 'readiness'
    ? 'You have shown that you could decrypt.\n'
    : `The log is valid. You have decrypted the sum of round ${message.round}, and nothing else.\n`;
}
