import { availableParallelism } from 'node:os';
import { AuditThread, idlest } from '../../audit/thread.ts';
import type { ProofAnswer, ProofVerifier } from './verifier.ts';

/** In MiB, per thread: bounds what a hostile ballot could make it take. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 128 };

/**
 * Judges in threads of its own alone, by default one for each core: the calling thread must stay free for voters. A thread that ends by itself
 * is replaced: what it was judging is lost, and nothing else.
 */
export function proofPool(count = availableParallelism()): ProofVerifier {
  const script = new URL('./worker.js', import.meta.url);
  const start = () => new AuditThread(script, RESOURCE_LIMITS);
  const threads = Array.from({ length: count }, start);
  return {
    verify: async (task) => {
      for (const [at, thread] of threads.entries()) if (thread.hasFailed) threads[at] = start();
      const answer = await idlest(threads).run<ProofAnswer>(task);
      if ('defect' in answer) throw new Error(`judging a ballot failed: ${answer.defect}`);
      return answer.verdict;
    },
    close: async () => {
      await Promise.all(threads.map((thread) => thread.close()));
    },
  };
}
