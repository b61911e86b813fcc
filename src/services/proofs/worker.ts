import { parentPort } from 'node:worker_threads';
import { type ProofAnswer, type ProofTask, proofCheck } from './verifier.ts';

/** A worker thread's whole life: judges what it is sent, and answers each task, in order, with its verdict. */
const port = parentPort;
if (port === null) throw new Error('proofs/worker.js runs in a worker thread only');

const check = proofCheck();
port.on('message', (task: ProofTask) => {
  port.postMessage(answerTo(task));
});

/** The border between a stranger's ballot and a thread that all voters need: whatever nobody foresaw ends the one task, and is reported as a defect. */
function answerTo(task: ProofTask): ProofAnswer {
  try {
    return { verdict: check(task) };
  } catch (error) {
    return { defect: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}
