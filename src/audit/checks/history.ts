import { type LogKey, openCheckpoint, parseCheckpoint } from '../../log/checkpoint.ts';
import type { Findings } from '../report.ts';
import type { Commitment } from './commitments.ts';

/**
 * What checkpoints known from before commit the log to. Only one that the log's own authority signed binds it; any other
 * is a finding, since then the log is not the one that the auditor saw earlier.
 */
export function knownCommitments(
  texts: readonly string[],
  key: LogKey | undefined,
  findings: Findings,
): Commitment[] {
  if (texts.length === 0) {
    findings.excuse(['history'], 'not-applicable', 'no checkpoint from before was given');
    return [];
  }
  if (key === undefined) {
    findings.excuse(['history'], 'not-judged', 'the log does not say whose checkpoints are good');
    return [];
  }
  return texts.flatMap((text) => {
    const opened = openCheckpoint(text, key);
    if (opened.ok) {
      const { size, root } = opened.value;
      return [{ check: 'history', what: 'a checkpoint known from before', size, root }];
    }
    const parsed = parseCheckpoint(text);
    findings.add({
      check: 'history',
      ...(parsed.ok ? { checkpointSize: parsed.value.size } : {}),
      message: `a checkpoint known from before is not this log's: ${opened.error}`,
    });
    return [];
  });
}
