import { availableParallelism } from 'node:os';
import { AuditThread } from '../thread.ts';

/** In MiB, per thread: bounds what a hostile archive could make it take. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 128 };

/**
 * Starts threads that judge sealed ballots: by default one for each core but the caller's. This file loads next to nothing, so
 * that a program can have them start before it has loaded the rest of an audit.
 */
export function startBallotThreads(count = availableParallelism() - 1): readonly AuditThread[] {
  const script = new URL('./ballot-worker.js', import.meta.url);
  return Array.from({ length: count }, () => new AuditThread(script, RESOURCE_LIMITS));
}
