import { type Console, consoleOf } from '../console.ts';
import type { Io } from '../io.ts';
import { renderReport } from './render.ts';
import type { Emit } from './reports.ts';

/** The console of a program that speaks in whole lines. */
export interface Output extends Pick<Console, 'json' | 'emit'> {
  /** Lines for people. */
  readonly say: (lines: string) => void;
  /** Lines that must not get lost in a pipe. */
  readonly warn: (lines: string) => void;
}

export function outputOf(io: Io, json: boolean): Output {
  const console = consoleOf(io, json);
  return {
    json,
    say: (lines) => {
      console.say(`${lines}\n`);
    },
    warn: (lines) => {
      console.note(`${lines}\n`);
    },
    emit: (event) => {
      console.emit(event);
    },
  };
}

/** Prints the reports of a command, in either form. `data` is the data folder as the caller named it. */
export function printReports(output: Output, data: string): Emit {
  return (report) => {
    output.emit(report);
    output.say(renderReport(report, { data, now: Date.now() }));
    return Promise.resolve();
  };
}
