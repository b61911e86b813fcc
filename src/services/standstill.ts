import type { ElectionLog } from './election-log.ts';
import { PeerRefusal } from './ports.ts';

/** The store is opened and read through again every few seconds after a failed write. */
export const SUSPENDED_RETRY_MS = 5000;
/** A halted log goes on only after its organiser has done something about it. */
const HALTED_RETRY_MS = 30_000;

/** What a peer is told that hands something in while the log takes nothing; undefined while it does. */
export function standstill({
  halted,
  suspended,
}: Pick<ElectionLog, 'halted' | 'suspended'>): PeerRefusal | undefined {
  if (halted !== undefined)
    return new PeerRefusal(
      'busy',
      "The organiser's log is not what this election's key signed for, and takes nothing in before that is settled. Tell the organiser.",
      HALTED_RETRY_MS,
    );
  return suspended
    ? new PeerRefusal('busy', "The organiser's disk can't be written just now.", SUSPENDED_RETRY_MS)
    : undefined;
}
