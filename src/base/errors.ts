/** What a failure means to whoever started the program; `cli/exit-codes.ts` maps it to an exit status. */
export type FailureKind = 'refused' | 'usage' | 'unreachable';

/**
 * A failure that was foreseen: `message` says what happened and to which thing, `hint` what to do next.
 * Everything else that is thrown is a defect of this program and is reported as one.
 */
export class PsephosError extends Error {
  override readonly name: string = 'PsephosError';
  readonly kind: FailureKind;
  /** Stable machine-readable name of the failure, e.g. `store-locked`. */
  readonly code: string;
  readonly hint: string | undefined;

  constructor(
    kind: FailureKind,
    code: string,
    message: string,
    options: { hint?: string; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.code = code;
    this.hint = options.hint;
  }
}

/** Refused, or found invalid: exit status 1. */
export function refused(
  code: string,
  message: string,
  options?: { hint?: string; cause?: unknown },
): PsephosError {
  return new PsephosError('refused', code, message, options);
}

/** Wrong usage, or input that can't be read: exit status 2. */
export function unusable(
  code: string,
  message: string,
  options?: { hint?: string; cause?: unknown },
): PsephosError {
  return new PsephosError('usage', code, message, options);
}

/** The peer could not be reached: exit status 3. */
export function unreachable(
  code: string,
  message: string,
  options?: { hint?: string; cause?: unknown },
): PsephosError {
  return new PsephosError('unreachable', code, message, options);
}

/** What was thrown, as an error: libraries and systems may throw anything. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** What was thrown, in its own words. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
