import { PassThrough, Readable, Writable } from 'node:stream';
import type { Io } from '#src/cli/io.js';
import { newStateFolder } from './state-folder.ts';

/** Streams for a program that runs inside a test: its input is given, its output kept. */
export interface CapturedIo extends Io {
  /** Everything written so far. */
  readonly out: () => string;
  readonly err: () => string;
  /** Asks the program to end, as Ctrl-C does. */
  readonly interrupt: () => void;
  /** Types on the terminal. */
  readonly type: (keys: string) => void;
  /** Resolves once standard error holds the text, counted from the last call. */
  readonly waitFor: (text: string) => Promise<void>;
}

export const ENTER = '\r';
export const UP = '\u001b[A';
export const DOWN = '\u001b[B';
export const CTRL_C = '\u0003';

class Capture extends Writable {
  readonly isTTY: boolean;
  readonly columns = 100;
  readonly rows = 40;
  text = '';

  constructor(isTTY: boolean) {
    super();
    this.isTTY = isTTY;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.text += chunk.toString();
    done();
    this.emit('captured');
  }

  /** As with the process' own streams, a source that is piped here and ends leaves it open. */
  override end(): this {
    return this;
  }
}

export interface CapturedHow {
  readonly stdin?: string;
  readonly terminal?: boolean;
  /** Where programs remember things; nothing is remembered from one run to the next unless given. */
  readonly state?: string;
}

/** With `terminal` both ends are one, and `type` is heard; else standard input holds `stdin` and ends. */
export function capturedIo(how: CapturedHow = {}): CapturedIo {
  const terminal = how.terminal ?? false;
  const asked = new AbortController();
  const stdout = new Capture(false);
  const stderr = new Capture(terminal);
  const typed = new PassThrough();
  const stdin = terminal
    ? Object.assign(typed, { isTTY: true })
    : Readable.from([Buffer.from(how.stdin ?? '')]);
  let seen = 0;
  return {
    stdin,
    stdout,
    stderr,
    env: { PSEPHOS_STATE: how.state ?? newStateFolder() },
    signal: asked.signal,
    out: () => stdout.text,
    err: () => stderr.text,
    interrupt: () => {
      asked.abort();
    },
    type: (keys) => typed.write(keys),
    waitFor: async (text) => {
      for (;;) {
        const at = stderr.text.indexOf(text, seen);
        if (at >= 0) {
          seen = at + text.length;
          return;
        }
        await new Promise((resolve) => stderr.once('captured', resolve));
      }
    },
  };
}
