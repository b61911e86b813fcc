import type { Io } from './io.ts';

/** Where the program's words go: results to stdout; with `--json` stdout holds JSON alone, and people read stderr. */
export interface Console {
  readonly json: boolean;
  /** Whether `status` shows anything. */
  readonly isTerminal: boolean;
  /** What the program was asked for. */
  say(text: string): void;
  /** Warnings, and what is being waited for. */
  note(text: string): void;
  /** What is being waited for, on a terminal: one line, which the next word takes the place of. Elsewhere nothing. */
  status(text: string): void;
  /** One line of JSON; nothing without `--json`. */
  emit(event: object): void;
  /** Shows on a terminal what is being done for as long as it is. */
  during<T>(what: string, work: () => Promise<T>): Promise<T>;
}

export function consoleOf(io: Io, json: boolean): Console {
  const people = json ? io.stderr : io.stdout;
  // An unfinished line is wiped before anything else is written, so that the two never mix.
  let unfinished = false;
  const wipe = () => {
    if (unfinished) io.stderr.write('\r\u001b[2K');
    unfinished = false;
  };
  const showUnfinished = (text: string) => {
    if (io.stderr.isTTY !== true) return;
    wipe();
    // Of a line that goes over the terminal's edge the wiping would leave a part.
    io.stderr.write(text.slice(0, (io.stderr.columns ?? 80) - 1));
    unfinished = true;
  };
  return {
    json,
    isTerminal: io.stderr.isTTY === true,
    say(text) {
      wipe();
      people.write(text);
    },
    note(text) {
      wipe();
      io.stderr.write(text);
    },
    status: showUnfinished,
    emit(event) {
      if (json) io.stdout.write(`${JSON.stringify(event)}\n`);
    },
    async during(what, work) {
      showUnfinished(`${what}…`);
      try {
        return await work();
      } finally {
        wipe();
      }
    },
  };
}
