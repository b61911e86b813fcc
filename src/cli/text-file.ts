import { readFile, stat } from 'node:fs/promises';
import { unusable } from '../base/errors.ts';
import { fileError } from '../store/fs-errors.ts';

/** The organiser's lists are text; one larger than this is some other file. */
const MAX_BYTES = 256 * 1024 * 1024;

/** Reads a text file of the organiser's. Throws the file system's refusal, or `unreadable-file` as `decodeText` does. */
export async function readTextFile(path: string): Promise<string> {
  try {
    const { size } = await stat(path);
    if (size > MAX_BYTES)
      throw unusable('unreadable-file', `${path} has ${size} bytes; ${MAX_BYTES} are read at most.`);
    return decodeText(await readFile(path), path);
  } catch (error) {
    throw fileError(error, path);
  }
}

/** UTF-8 to text, without a byte order mark. Throws `unreadable-file` naming the line that is something else. */
export function decodeText(bytes: Uint8Array, path: string): string {
  const utf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  if (utf16) throw notUtf8(path, 'is UTF-16 text');
  try {
    // The decoder takes the byte order mark off.
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    // `fatal` makes the decoder throw on anything but UTF-8, and on nothing else.
    throw notUtf8(path, `has a line that is not UTF-8, line ${lineOfFault(bytes)}`, error);
  }
}

function notUtf8(path: string, what: string, cause?: unknown): Error {
  return unusable('unreadable-file', `${path} ${what}.`, {
    hint: 'Save it as "CSV UTF-8" or as plain text in UTF-8, and try again.',
    cause,
  });
}

function lineOfFault(bytes: Uint8Array): number {
  let line = 1;
  let start = 0;
  for (let at = 0; at <= bytes.length; at++) {
    if (at < bytes.length && bytes[at] !== 0x0a) continue;
    const part = bytes.subarray(start, at);
    // What doesn't survive decoding and encoding was not UTF-8.
    if (Buffer.compare(Buffer.from(Buffer.from(part).toString('utf8')), part) !== 0) return line;
    line++;
    start = at + 1;
  }
  return line - 1;
}

export interface Line {
  /** From 1, as editors count. */
  readonly number: number;
  /** Without white space at the ends; never empty. */
  readonly text: string;
}

/** The lines that hold something, whichever way they end. */
export function linesOf(text: string): Line[] {
  return text
    .split(/\r\n|\n|\r/)
    .map((line, index) => ({ number: index + 1, text: line.trim() }))
    .filter((line) => line.text !== '');
}

const MAX_SHOWN = 20;

/** Throws `code` with every problem of a file, twenty at most; does nothing where there is none. */
export function throwProblems(code: string, path: string, problems: readonly string[]): void {
  if (problems.length === 0) return;
  const more = problems.length > MAX_SHOWN ? `\n  … and ${problems.length - MAX_SHOWN} more.` : '';
  const shown = problems.slice(0, MAX_SHOWN).map((problem) => `\n  ${problem}`);
  throw unusable(code, `${path} can't be used:${shown.join('')}${more}`, {
    hint: 'Correct the file and run the command again; nothing was written.',
  });
}
