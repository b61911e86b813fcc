import { parentPort } from 'node:worker_threads';
import { verifyWithAcceptableKey } from '../../crypto/signature.ts';
import { type PackedTasks, unpackTasks } from './packing.ts';

/** A worker thread's whole life: verifies what it is sent, and answers each message with one verdict a task. */
const port = parentPort;
if (port === null) throw new Error('signatures/worker.js runs in a worker thread only');

port.on('message', (packed: PackedTasks) => {
  port.postMessage(
    Uint8Array.from(unpackTasks(packed), ({ signature, message, key }) =>
      verifyWithAcceptableKey(signature, message, key) ? 1 : 0,
    ),
  );
});
