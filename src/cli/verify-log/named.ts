import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError } from '../../store/fs-errors.ts';
import { LOG_FOLDER } from '../../store/layout.ts';

/**
 * What an auditor names, told by its looks. This file loads next to nothing: what it says decides what else is loaded, and whether
 * threads are started meanwhile.
 */

/** What names a peer, and no file. */
const ADDRESS = /^(?:psephos:|\/(?:ip4|ip6|dns|dns4|dns6|dnsaddr)\/)/;
/** The name of a Belenios archive's first file (Belenios specification, 4.4), with which the archive begins. */
const MAGIC = 'BELENIOS\0';
/** Bytes on disk from which on an audit is better shared among threads: some thousand entries, or a few dozen sealed ballots. */
const LONG_LOG_BYTES = 1 << 20;
const LONG_ARCHIVE_BYTES = 1 << 18;

export type Named =
  | { readonly kind: 'peer' }
  | { readonly kind: 'folder' | 'file' | 'archive' | 'nothing'; readonly long: boolean };

/** `long`: worth threads, by its size on disk. Of a peer nobody knows before. */
export async function whatIsNamed(name: string): Promise<Named> {
  if (ADDRESS.test(name)) return { kind: 'peer' };
  const found = await statIfThere(name);
  if (found === undefined) return { kind: name.endsWith('.bel') ? 'archive' : 'nothing', long: false };
  if (found.isDirectory()) return { kind: 'folder', long: (await logBytes(name)) >= LONG_LOG_BYTES };
  const { size } = found;
  return name.endsWith('.bel') || (found.isFile() && (await beginsAsArchive(name)))
    ? { kind: 'archive', long: size >= LONG_ARCHIVE_BYTES }
    : { kind: 'file', long: size >= LONG_LOG_BYTES };
}

async function statIfThere(path: string) {
  try {
    return await stat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw fileError(error, path);
  }
}

/** What can't be read is none: whoever opens it as something else says what is wrong with it. */
async function beginsAsArchive(path: string): Promise<boolean> {
  const file = await open(path, 'r').catch(() => undefined);
  if (file === undefined) return false;
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(MAGIC.length), 0, MAGIC.length, 0);
    return buffer.toString('latin1', 0, bytesRead) === MAGIC;
  } finally {
    await file.close();
  }
}

/** What is no data folder is reported when it is opened; files of a running election come and go. */
async function logBytes(folder: string): Promise<number> {
  const log = join(folder, LOG_FOLDER);
  const files = await readdir(log).catch(() => []);
  const sizes = files.map((file) =>
    stat(join(log, file)).then(
      ({ size }) => size,
      () => 0,
    ),
  );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
