import { type SoundTrustees, trusteeNames } from '../../belenios/v1/sealed-round.ts';
import type { Policy } from '../../election/entries.ts';
import { printable } from '../printable.ts';

/** What becomes of a vote, before it is asked for: who can see what of it, who can decrypt it, and whether it can be changed. */
export function rulesLines(policy: Policy, trustees: SoundTrustees | null): string[] {
  const revote =
    policy.revote === 'last'
      ? 'you may vote again; your last ballot counts'
      : 'your first ballot stands; you can vote once';
  const names =
    policy.names === 'public'
      ? 'under your username'
      : "under a pseudonym, whose username the organiser's files may tell";
  if (policy.secrecy === 'open') return [`  Your vote    is public: the log shows it ${names}; ${revote}`];
  return [
    '  Your vote    is secret: it is encrypted on this machine, and by the rules only the sum of all votes is ever decrypted',
    `  The log      shows that and when you voted, ${names}, and never what`,
    `  Voting again ${revote}`,
    `  Trustees     ${trustees === null ? 'not set yet' : trusteesText(trustees)}`,
  ];
}

/** Trustees who stand in for one another: any `needed` of them are enough. */
export interface Decrypters {
  readonly needed: number;
  /** By the names that they gave themselves, or by their numbers. */
  readonly of: readonly string[];
}

/** Who has to work together to decrypt: so many of each of these groups. */
export function decryptersOf(sound: SoundTrustees): Decrypters[] {
  const names = trusteeNames(sound).map((name, index) => name ?? `trustee ${index + 1}`);
  let next = 0;
  return sound.trustees.map((one) => {
    if (one.kind === 'Single') return { needed: 1, of: names.slice(next, ++next) };
    const { threshold, verificationKeys } = one.parameters;
    const of = names.slice(next, (next += verificationKeys.length));
    return { needed: threshold, of };
  });
}

function trusteesText(sound: SoundTrustees): string {
  const parts = decryptersOf(sound).map(({ needed, of }) => {
    const names = listed(of.map(printable));
    return needed === of.length ? names : `any ${needed} of ${names}`;
  });
  const who = sound.keys.length === 1 ? 'who alone can decrypt' : 'who can decrypt only together';
  // The protocol can't keep them from it: that they decrypt nothing but the sum is what voters trust them for.
  return `${listed(parts)}, ${who}: the sum, or against the rules a single vote`;
}

function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1) ?? ''}`;
}
