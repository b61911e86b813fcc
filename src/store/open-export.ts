import type { LogSource } from '../audit/source.ts';
import { openCarSource } from './car.ts';
import { readChunks } from './export-source.ts';
import { openJsonLinesSource } from './jsonl.ts';

const [BRACE, QUOTE] = [0x7b, 0x22];

/** Opens an exported log of either form, told by the file's beginning. Throws as they do. */
export async function openExport(path: string): Promise<LogSource> {
  for await (const start of readChunks(path)) {
    return start[0] === BRACE && start[1] === QUOTE ? openJsonLinesSource(path) : openCarSource(path);
  }
  return openCarSource(path);
}
