import { printable } from '../printable.ts';
import { showProgress } from '../progress.ts';
import { readCheckpoint, readReceipt } from '../verify-log/known.ts';
import type { Surroundings } from './dispatch.ts';
import { type Restored, type RestoreWish, restoreElection } from './restore.ts';
import type { RestorePins } from './restore-sources.ts';
import { lostParts, restoredText } from './restore-text.ts';

export interface RestoreOptions extends RestorePins {
  readonly receipt: readonly string[];
  readonly checkpoint: readonly string[];
}

/** `admin restore`: rebuilds a lost data folder, and says what it holds and what is lost. Throws as `restoreElection`, `readReceipt` and `readCheckpoint` do. */
export async function restoreCommand(
  { place, io, output }: Surroundings,
  options: RestoreOptions,
): Promise<void> {
  const progress = showProgress(io, 'Fetching entries');
  let restored: Restored;
  try {
    restored = await restoreElection(place, await wishOf(options), {
      signal: io.signal,
      onProblem: (source, reason) => {
        output.warn(`No use of ${printable(source)}: ${printable(reason)}`);
        output.emit({ event: 'source-problem', source, reason });
      },
      onProgress: progress.update,
    });
  } finally {
    progress.stop();
  }
  const { status, compared, observers, files, ownTrustees } = restored;
  output.emit({
    event: 'restored',
    data: place.data,
    status,
    compared,
    observers,
    files,
    ownTrustees,
    lost: lostParts(restored),
  });
  output.say(restoredText(place, restored, Date.now()));
}

async function wishOf({ receipt, checkpoint, ...options }: RestoreOptions): Promise<RestoreWish> {
  const receipts = receipt.map(async (file) => {
    const { checkpoint: kept } = (await readReceipt(file)).receipt;
    return { file, checkpoint: kept.text };
  });
  const checkpoints = checkpoint.map(async (file) => ({ file, checkpoint: await readCheckpoint(file) }));
  return { ...options, kept: await Promise.all([...receipts, ...checkpoints]) };
}
