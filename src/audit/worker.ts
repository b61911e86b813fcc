import { parentPort } from 'node:worker_threads';
import { checkCheckpoints, entryCheck } from './entry-check.ts';
import type { WorkerRequest } from './worker-protocol.ts';

/** A worker thread's whole life: checks what it is sent. `worker-pool.ts` starts and ends it. */
const port = parentPort;
if (port === null) throw new Error('audit/worker.js runs in a worker thread only');

const checkEntries = entryCheck();
port.on('message', (request: WorkerRequest) => {
  if (request.kind === 'checkpoints') {
    port.postMessage(checkCheckpoints(request.task));
  } else {
    const checked = checkEntries(request.task);
    port.postMessage(checked, [checked.seq.buffer]);
  }
});
