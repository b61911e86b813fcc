import type { SoundTrustees } from './sealed-round.ts';

/** What some of the trustees could do together. */
export interface Quorum {
  /** Whether they are enough to decrypt (4.21): every single trustee, and of each group as many members as its threshold. */
  readonly enough: boolean;
  /** How many of them could be lost, whoever it is, and the others still be enough; negative for as many as are missing. */
  readonly spare: number;
  /** The numbers of those who are not among them. */
  readonly absent: readonly number[];
}

/** `present` are trustees' numbers, from 1. */
export function quorumOf({ trustees }: SoundTrustees, present: ReadonlySet<number>): Quorum {
  const absent: number[] = [];
  let spare = Infinity;
  let missing = 0;
  let number = 0;
  for (const trustee of trustees) {
    const size = trustee.kind === 'Single' ? 1 : trustee.parameters.verificationKeys.length;
    const needed = trustee.kind === 'Single' ? 1 : trustee.parameters.threshold;
    let there = 0;
    for (let i = 0; i < size; i++) {
      if (present.has(++number)) there++;
      else absent.push(number);
    }
    spare = Math.min(spare, there - needed);
    missing += Math.max(0, needed - there);
  }
  return { enough: missing === 0, spare: missing === 0 ? spare : -missing, absent };
}
