import { openToRead } from './files.ts';
import { fileError } from './fs-errors.ts';

/**
 * The text of a file that should be small; undefined for what is larger than that, no regular file, or no UTF-8. Throws the file
 * system's refusal.
 */
export async function readSmallFile(path: string, maxBytes: number): Promise<string | undefined> {
  const file = await openToRead(path);
  try {
    const stat = await file.stat();
    // A device or a pipe says that it has no bytes, and may never end.
    if (!stat.isFile() || stat.size > maxBytes) return undefined;
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await file.readFile());
  } catch (error) {
    // What a fatal decoder throws for bytes that are no UTF-8; nothing else here throws it.
    if (error instanceof TypeError) return undefined;
    throw fileError(error, path);
  } finally {
    await file.close();
  }
}

/** As `readSmallFile`, and parsed; undefined for what is no JSON, too. */
export async function readSmallJson(path: string, maxBytes: number): Promise<unknown> {
  const text = await readSmallFile(path, maxBytes);
  try {
    return JSON.parse(text ?? '');
  } catch {
    // Whatever is wrong with it, it is not the file that it should be.
    return undefined;
  }
}
