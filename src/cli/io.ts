type Terminal = { readonly isTTY?: boolean; readonly columns?: number };

/** What a program is given of its surroundings, so that it runs in a test as it does for a person. */
export interface Io {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  /** Results: text for people or, with `--json`, one JSON object per line. */
  readonly stdout: NodeJS.WritableStream & Terminal;
  /** Progress, warnings and errors; with `--json`, people's text too. */
  readonly stderr: NodeJS.WritableStream & Terminal;
  /** Environment variables. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted when the program is asked to end (Ctrl-C): it finishes what it must, then returns. */
  readonly signal: AbortSignal;
}

/** A program: its arguments in, its exit code out. */
export type Program = (argv: readonly string[], io: Io) => Promise<number>;
