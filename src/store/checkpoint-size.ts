import { parseDecimal } from '../log/checkpoint.ts';

/** The size that a checkpoint's second line claims; undefined where that is no size. The audit checks the rest. */
export function checkpointSize(text: string): number | undefined {
  const line = text.split('\n', 2)[1];
  return line === undefined ? undefined : parseDecimal(line);
}
