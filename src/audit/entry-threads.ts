import { availableParallelism } from 'node:os';
import { AuditThread } from './thread.ts';

/** In MiB, per thread. A task's garbage dies young; the rest bounds what a hostile entry could make a thread take. */
const RESOURCE_LIMITS = { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 96 };

/**
 * Starts threads that check entries: by default one for each core but the caller's. This file loads next to nothing, so that
 * a program can have them start before it has loaded the rest of an audit.
 */
export function startEntryThreads(count = availableParallelism() - 1): readonly AuditThread[] {
  const script = new URL('./worker.js', import.meta.url);
  return Array.from({ length: count }, () => new AuditThread(script, RESOURCE_LIMITS));
}
