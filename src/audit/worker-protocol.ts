import type { CheckpointTask, EntryTask } from './checker.ts';

/** What the pool sends a worker. It answers each task, in the order in which they came, with the result alone. */
export type WorkerRequest =
  | { readonly kind: 'entries'; readonly task: EntryTask }
  | { readonly kind: 'checkpoints'; readonly task: CheckpointTask };
