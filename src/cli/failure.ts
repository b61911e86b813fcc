import { CommanderError } from 'commander';
import { PsephosError, refused, unreachable, unusable } from '../base/errors.ts';
import { PeerRefusal } from '../services/ports.ts';
import { DONE, USAGE, exitCodeOf } from './exit-codes.ts';
import type { Console } from './console.ts';
import { printable } from './printable.ts';

/**
 * Prints why a program failed and what to do about it, and says with which exit code to end. `programLine` is how the
 * program is started, for the way to its help.
 */
export function reportFailure(error: unknown, out: Console, programLine: string): number {
  // How commander ends --help.
  if (error instanceof CommanderError && error.exitCode === 0) return DONE;
  // The help was printed in answer to a program's name alone.
  if (error instanceof CommanderError && error.code === 'commander.help') return USAGE;
  const known = asKnown(error, programLine);
  if (known === undefined) {
    const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
    out.note(`This is a defect of the program; please report it, without your secret:\n${what}\n`);
    out.emit({ error: { code: 'defect', message: error instanceof Error ? error.message : String(error) } });
    return exitCodeOf(error);
  }
  const { code, message, hint } = known;
  out.note(`${lines(message)}\n${hint === undefined ? '' : `${lines(hint)}\n`}`);
  out.emit({ error: { code, message, ...(hint === undefined ? {} : { hint }) } });
  return exitCodeOf(known);
}

function asKnown(error: unknown, programLine: string): PsephosError | undefined {
  if (error instanceof PsephosError) return error;
  if (error instanceof PeerRefusal) return refusalError(error);
  if (error instanceof CommanderError) {
    const message = error.message.replace(/^error: /, '');
    return unusable('usage', `${message.charAt(0).toUpperCase()}${message.slice(1)}.`.replace(/\.\.$/, '.'), {
      hint: `See "${programLine} --help".`,
    });
  }
  return undefined;
}

/** A peer's refusal of something else than a ballot. */
export function refusalError(refusal: PeerRefusal): PsephosError {
  const message = `The peer refused: ${refusal.message}`;
  const options = { hint: 'Try again in a moment; if it stays so, tell the organiser.', cause: refusal };
  return refusal.code === 'busy'
    ? unreachable('busy', message, options)
    : refused(refusal.code, message, options);
}

/** A peer's words may be among it; line breaks are ours. */
function lines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}
