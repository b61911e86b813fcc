import { type SoundTrustees, trusteeFingerprint, trusteeNames } from '../belenios/v1/sealed-round.ts';

/** A trustee of an election, as reports show it. */
export interface TrusteeRow {
  /** From 1. */
  readonly trustee: number;
  readonly name: string | null;
  /** Alone: without whom nothing is decrypted. Of a group: with as many as its threshold says. */
  readonly role: 'single' | 'member';
  readonly fingerprint: string;
}

/** The trustees in the order of their numbers. */
export function trusteeRowsOf(sound: SoundTrustees): TrusteeRow[] {
  const names = trusteeNames(sound);
  const roles = sound.trustees.flatMap((one) =>
    one.kind === 'Single'
      ? (['single'] as const)
      : one.parameters.verificationKeys.map(() => 'member' as const),
  );
  return sound.keys.map((key, at) => ({
    trustee: at + 1,
    name: names[at] ?? null,
    role: roles[at] ?? 'single',
    fingerprint: trusteeFingerprint(key),
  }));
}

/** How many of them are needed, in words: `2 of the 3 members, and every single trustee`. */
export function neededText({ trustees }: SoundTrustees): string {
  const singles = trustees.filter(({ kind }) => kind === 'Single').length;
  const groups = trustees.flatMap((one) =>
    one.kind === 'Pedersen'
      ? [`${one.parameters.threshold} of ${one.parameters.verificationKeys.length} members`]
      : [],
  );
  const alone =
    singles === 0 ? [] : [singles === 1 ? 'the single trustee' : `all ${singles} single trustees`];
  return [...groups, ...alone].join(' and ');
}
