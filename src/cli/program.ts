import { Command, InvalidArgumentError } from 'commander';
import type { Io } from './io.ts';

/** A program by name: it prints to `io`, and throws where it would end the process, so that every failure is reported in one way. */
export function programNamed(name: string, io: Io): Command {
  return new Command(name)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
      // Reported with all other failures.
      outputError: () => undefined,
    })
    .showSuggestionAfterError(true);
}

/** An example below a command's help: a program's name, and what is typed after it. */
export function exampleText(program: string, line: string): string {
  return `\nExample:\n  node dist/${program}.js ${line}\n`;
}

/** Adds `--json`. */
export function withJson(command: Command): Command {
  return command.option(
    '--json',
    'one JSON object per line on standard output, text for people on standard error',
  );
}

/** Reads a whole number from 1 to 999,999. Throws `InvalidArgumentError`. */
export function positiveNumber(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('Expected a whole number above 0.');
  return Number(text);
}

/** Reads an option that may be given several times. */
export function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}
