import type { Io, Program } from './io.ts';

const UNWRITABLE: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EIO', 'EFBIG']);

/**
 * Runs a program on this process' arguments and streams, and resolves to its exit code. The first Ctrl-C (or SIGTERM)
 * asks it to end; a second one ends the process at once, as the system does by default.
 */
export async function main(program: Program): Promise<number> {
  const asked = new AbortController();
  const ask = () => {
    asked.abort();
  };
  process.once('SIGINT', ask);
  process.once('SIGTERM', ask);
  // A terminal window that is closed.
  process.once('SIGHUP', ask);
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      // Whoever read our output went away (`… | head`): there is nobody to write to any more.
      if (error.code === 'EPIPE') ask();
      // Output goes to a file on a full or failing disk: an election must not end for want of its messages.
      else if (!UNWRITABLE.has(error.code ?? '')) throw error;
    });
  }
  const io: Io = {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    signal: asked.signal,
  };
  return program(process.argv.slice(2), io);
}
