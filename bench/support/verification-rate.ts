import { availableParallelism } from 'node:os';
import { Worker, isMainThread, parentPort } from 'node:worker_threads';
import sodium from 'sodium-native';

/** A ballot on one question, with its tag. */
const MESSAGE_BYTES = 140;
const COUNT = 20_000;

/** In seconds, for one verification. */
export interface VerificationCost {
  readonly wall: number;
  readonly cpu: number;
}

/** What one native Ed25519 verification after another takes, in this thread alone. */
export function verificationCost(): VerificationCost {
  const [publicKey, secretKey] = [Buffer.alloc(32), Buffer.alloc(64)];
  sodium.crypto_sign_seed_keypair(publicKey, secretKey, Buffer.alloc(32, 7));
  const [message, signature] = [Buffer.alloc(MESSAGE_BYTES, 1), Buffer.alloc(64)];
  sodium.crypto_sign_detached(signature, message, secretKey);
  const cpu = process.cpuUsage();
  const from = process.hrtime.bigint();
  for (let i = 0; i < COUNT; i++) {
    if (!sodium.crypto_sign_verify_detached(signature, message, publicKey)) throw new Error('not verified');
  }
  const wall = Number(process.hrtime.bigint() - from) / 1e9;
  const { user, system } = process.cpuUsage(cpu);
  return { wall: wall / COUNT, cpu: (user + system) / 1e6 / COUNT };
}

/** Verifications a second when all cores do nothing else: on a shared or hyper-threaded machine less than cores × one's rate. */
export async function rateOfAllCores(): Promise<number> {
  const workers = Array.from({ length: availableParallelism() }, () => new Worker(new URL(import.meta.url)));
  const next = (worker: Worker) =>
    new Promise<number>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
  await Promise.all(workers.map(next));
  const rates = workers.map(next);
  for (const worker of workers) worker.postMessage('go');
  const sum = (await Promise.all(rates)).reduce((total, rate) => total + rate, 0);
  await Promise.all(workers.map((worker) => worker.terminate()));
  return sum;
}

if (!isMainThread && parentPort !== null) {
  const port = parentPort;
  port.on('message', () => {
    port.postMessage(1 / verificationCost().wall);
  });
  port.postMessage(0);
}
