import { parentPort } from 'node:worker_threads';
import { type ProofTask, proofCheck } from './verifier.ts';

/** A worker thread's whole life: judges what it is sent, and answers each task, in order, with its verdict. */
const port = parentPort;
if (port === null) throw new Error('proofs/worker.js runs in a worker thread only');

const check = proofCheck();
port.on('message', (task: ProofTask) => {
  port.postMessage(check(task));
});
