import { type Result, err } from '../../base/result.ts';
import { type Checkpoint, type LogKey, openCheckpoint } from '../../log/checkpoint.ts';
import { damage } from '../batches.ts';
import type { Findings } from '../report.ts';
import type { LogSource } from '../source.ts';
import type { Commitment } from './commitments.ts';

/** The newest checkpoint, if the log's authority signed it; the error says why not. Throws when the source can't be read. */
export async function readNewest(
  source: LogSource,
  key: LogKey | undefined,
): Promise<Result<Checkpoint, string>> {
  let text: string | undefined;
  try {
    text = await source.latestCheckpoint();
  } catch (error) {
    const problem = damage(error);
    if (problem === undefined) throw error;
    return err(problem);
  }
  if (text === undefined) return err('the log has no checkpoint, so that its authority does not stand by it');
  if (key === undefined) return err('the log does not say whose checkpoints are good');
  const opened = openCheckpoint(text, key);
  return opened.ok ? opened : err(`the newest checkpoint is not good: ${opened.error}`);
}

export function newestCommitment({ size, root }: Checkpoint): Commitment {
  return { check: 'root', what: 'the newest checkpoint', size, root };
}

/** At the log's end: whether the newest checkpoint is there, and leaves no entry out. */
export function coverage(newest: Result<Checkpoint, string>, size: number, findings: Findings): void {
  if (!newest.ok) {
    findings.add({ check: 'root', message: newest.error });
  } else if (newest.value.size < size) {
    findings.add({
      check: 'root',
      seq: newest.value.size,
      message: `from here on, the entries are in no checkpoint: the newest covers ${newest.value.size} of ${size}`,
    });
  }
}
