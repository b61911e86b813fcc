import { orInterrupted } from '../ask.ts';
import type { Io } from '../io.ts';

/** Asks the person at the terminal for something that is not shown; undefined where input or output is no terminal. Throws `interrupted`. */
export async function askHidden(io: Io, message: string): Promise<string | undefined> {
  if (io.stdin.isTTY !== true || io.stderr.isTTY !== true) return undefined;
  // Not needed by scripts, and takes a while to load.
  const prompts = await import('@inquirer/prompts');
  const context = { input: io.stdin, output: io.stderr, signal: io.signal };
  return orInterrupted(prompts.password({ message, mask: '*' }, context), 'Nothing was done.');
}
