import type { Io } from './io.ts';

/** Where the program's words go: results to stdout; with `--json` stdout holds JSON alone, and people read stderr. */
export interface Console {
  readonly json: boolean;
  /** What the program was asked for. */
  say(text: string): void;
  /** Warnings, and what is being waited for. */
  note(text: string): void;
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
  return {
    json,
    say(text) {
      wipe();
      people.write(text);
    },
    note(text) {
      wipe();
      io.stderr.write(text);
    },
    emit(event) {
      if (json) io.stdout.write(`${JSON.stringify(event)}\n`);
    },
    async during(what, work) {
      if (io.stderr.isTTY === true) {
        wipe();
        io.stderr.write(`${what}…`);
        unfinished = true;
      }
      try {
        return await work();
      } finally {
        wipe();
      }
    },
  };
}
