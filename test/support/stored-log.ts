import { parseCheckpoint } from '#src/log/checkpoint.js';
import { leafHash } from '#src/log/merkle.js';
import { TileAppender } from '#src/log/tiles.js';
import { openLevelStore } from '#src/store/level-store.js';
import type { LogBuilder } from './build-log.ts';

/** Writes a made log into a new data folder, a batch for each checkpoint; whatever is wrong with it stays so. */
export async function storeLog(folder: string, { entries, checkpoints }: LogBuilder): Promise<void> {
  const store = await openLevelStore(folder, { create: true, program: 'a test' });
  const tree = new TileAppender();
  try {
    let from = 0;
    for (const text of checkpoints) {
      const parsed = parseCheckpoint(text);
      if (!parsed.ok) throw new Error(parsed.error);
      const { size } = parsed.value;
      const batch = entries.slice(from, size);
      const { tiles, commit } = tree.prepare(batch.map(leafHash));
      commit();
      await store.commit({
        from,
        entries: batch,
        tiles,
        checkpoint: { size, text },
        voters: [],
        ballots: [],
      });
      from = size;
    }
  } finally {
    await store.close();
  }
}
