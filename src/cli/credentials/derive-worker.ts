import { parentPort } from 'node:worker_threads';
import { credentialSeed } from '../../crypto/credential.ts';
import { publicKeyOf } from '../../crypto/signature.ts';
import type { DeriveJob } from './derive-keys.ts';

/** Thread of `derive-keys.ts`: answers each job with the public keys of its people, 32 bytes each, one after another. */
if (parentPort === null) throw new Error('derive-worker runs only as a worker thread');
const port = parentPort;
port.on('message', ({ uuid, kdf, people }: DeriveJob) => {
  const keys = new Uint8Array(people.length * 32);
  for (const [index, { username, secret }] of people.entries()) {
    keys.set(publicKeyOf(credentialSeed({ uuid, username, secret, kdf })), index * 32);
  }
  port.postMessage(keys, [keys.buffer]);
});
