import { PsephosError } from '../../base/errors.ts';
import { isForeseen } from '../ports.ts';

/** A peer that a log is not read from, or not any more, and why. */
export interface LeftOut {
  readonly name: string;
  readonly why: 'no-answer' | 'wrong-answer' | 'other-election';
  readonly reason: string;
}

/** What a peer's failure to answer is to be called. Throws what nobody foresaw. */
export function leftOutFor(name: string, error: unknown): LeftOut {
  if (!isForeseen(error)) throw error;
  const isSilent = error instanceof PsephosError ? error.kind === 'unreachable' : error.code === 'busy';
  return { name, why: isSilent ? 'no-answer' : 'wrong-answer', reason: error.message };
}

/** Why peers were left out, for the end of a message: a line for each. */
export function reasonsText(leftOut: readonly LeftOut[]): string {
  return leftOut.map(({ name, reason }) => `\n  ${name}: ${reason}`).join('');
}
