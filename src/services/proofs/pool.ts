import { availableParallelism } from 'node:os';
import { AuditThread, idlest } from '../../audit/thread.ts';
import type { ProofVerdict, ProofVerifier } from './verifier.ts';

/** In MiB, per thread: bounds what a hostile ballot could make it take. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 128 };

/** Judges in threads of its own alone, by default one for each core: the calling thread must stay free for voters. */
export function proofPool(count = availableParallelism()): ProofVerifier {
  const script = new URL('./worker.js', import.meta.url);
  const threads = Array.from({ length: count }, () => new AuditThread(script, RESOURCE_LIMITS));
  return {
    verify: (task) => idlest(threads).run<ProofVerdict>(task),
    close: async () => {
      await Promise.all(threads.map((thread) => thread.close()));
    },
  };
}
