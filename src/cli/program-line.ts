import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A program of this package as it is typed in the working folder: `node dist/voter.js`. */
export function programLine(
  program: 'admin' | 'voter' | 'trustee' | 'registrar' | 'observer' | 'relay' | 'verify-log',
): string {
  const path = fileURLToPath(new URL(`../${program}.js`, import.meta.url));
  const fromHere = relative(process.cwd(), path);
  return `node ${quotePath(fromHere.length < path.length ? fromHere : path)}`;
}

/** A path as a shell takes it for one word. */
export function quotePath(path: string): string {
  return /^[\w./:\\-]+$/.test(path) ? path : `"${path}"`;
}

/** Any text as a POSIX shell takes it for one word. */
export function shellWord(word: string): string {
  return /^[\w./:@%+=-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
