import { availableParallelism } from 'node:os';
import { Thread } from '../../audit/thread.ts';
import { type PackedTasks, packTasks } from './packing.ts';
import type { SignatureTask, SignatureVerifier } from './verifier.ts';

/** Tasks in one message: its own cost is spread thin by then, and a first ballot doesn't wait for many behind it. */
const MAX_TASKS = 32;

interface Pending {
  readonly task: SignatureTask;
  readonly resolve: (valid: boolean) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * Verifies in `workers` threads (by default one for each core beside the caller's, at least one), so that the thread that
 * speaks to voters is free for it. Tasks that come while all are busy travel together in the next message.
 */
export function signaturePool(workers = Math.max(1, availableParallelism() - 1)): SignatureVerifier {
  const script = new URL('./worker.js', import.meta.url);
  const threads = Array.from(
    { length: workers },
    () => new Thread<PackedTasks>(script, 'a signature worker'),
  );
  let queue: Pending[] = [];

  function dispatch(): void {
    for (const thread of threads) {
      if (queue.length === 0) return;
      if (thread.load > 0) continue;
      const batch = queue.slice(0, MAX_TASKS);
      queue = queue.slice(MAX_TASKS);
      void verifyOn(thread, batch);
    }
  }

  async function verifyOn(thread: Thread<PackedTasks>, batch: readonly Pending[]): Promise<void> {
    const packed = packTasks(batch.map(({ task }) => task));
    try {
      const verdicts = await thread.run<Uint8Array>(packed, [packed.bytes.buffer]);
      for (const [index, { resolve }] of batch.entries()) resolve(verdicts[index] === 1);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
    dispatch();
  }

  return {
    verify: (task) =>
      new Promise((resolve, reject) => {
        // What arrives in one turn of the event loop is sent together.
        if (queue.length === 0) setImmediate(dispatch);
        queue.push({ task, resolve, reject });
      }),
    close: async () => {
      await Promise.all(threads.map((thread) => thread.close()));
    },
  };
}
