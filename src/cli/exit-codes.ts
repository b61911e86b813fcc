import { type FailureKind, PsephosError } from '../base/errors.ts';

/** Exit codes of all programs: 0 done or valid, 1 refused or invalid, 2 usage or unreadable input, 3 unreachable. */
export const DONE = 0;
export const USAGE = 2;

const CODES: Readonly<Record<FailureKind, number>> = { refused: 1, usage: USAGE, unreachable: 3 };

/** The exit code that an error earns. One that nobody foresaw counts as refused: nothing was established. */
export function exitCodeOf(error: unknown): number {
  return error instanceof PsephosError ? CODES[error.kind] : CODES.refused;
}
