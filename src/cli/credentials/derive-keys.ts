import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { refused, asError } from '../../base/errors.ts';
import type { KdfCost } from '../../crypto/credential.ts';

export interface Person {
  readonly username: string;
  readonly secret: string;
}

export interface DeriveJob {
  readonly uuid: string;
  readonly kdf: KdfCost;
  readonly people: readonly Person[];
}

/** People a job holds: less than a second of one core, so that progress shows and no core is idle for long at the end. */
const JOB_SIZE = 16;

/**
 * The Ed25519 public keys (32 bytes) behind usernames and secrets in an election, in the same order. Argon2id takes
 * tens of milliseconds each, so all cores share the work. Throws `interrupted` when the signal is aborted.
 */
export async function deriveKeys(
  { uuid, kdf, people }: DeriveJob,
  { onProgress, signal }: { readonly onProgress: (done: number) => void; readonly signal: AbortSignal },
): Promise<Uint8Array[]> {
  const keys: Uint8Array[] = new Array<Uint8Array>(people.length);
  let next = 0;
  let done = 0;
  const runThread = () =>
    new Promise<void>((resolve, reject) => {
      const worker = new Worker(new URL('./derive-worker.js', import.meta.url));
      let from = 0;
      let count = 0;
      const end = (settle: () => void) => {
        signal.removeEventListener('abort', interrupt);
        void worker.terminate().then(settle, reject);
      };
      const interrupt = () => {
        end(() => {
          reject(refused('interrupted', 'Interrupted while the credentials were made; nothing was written.'));
        });
      };
      const giveNext = () => {
        from = next;
        const job: DeriveJob = { uuid, kdf, people: people.slice(from, from + JOB_SIZE) };
        count = job.people.length;
        next += count;
        if (count === 0) end(resolve);
        else worker.postMessage(job);
      };
      worker.on('message', (made: Uint8Array) => {
        for (let i = 0; i < count; i++) keys[from + i] = made.slice(i * 32, i * 32 + 32);
        done += count;
        onProgress(done);
        giveNext();
      });
      worker.once('error', (error) => {
        end(() => {
          reject(asError(error));
        });
      });
      signal.addEventListener('abort', interrupt, { once: true });
      if (signal.aborted) interrupt();
      else giveNext();
    });
  const threads = Math.min(availableParallelism(), Math.ceil(people.length / JOB_SIZE));
  await Promise.all(Array.from({ length: threads }, runThread));
  return keys;
}
