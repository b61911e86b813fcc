import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { cleanUp } from '../../support/cleanup.ts';
import type { NetNode } from './net-node.ts';

/** Starts a server of the system on a computer of a topology; resolves once it has printed `ready`. It ends with the test. */
export async function startDaemon(
  t: TestContext,
  node: NetNode,
  argv: readonly string[],
  ready: RegExp,
): Promise<void> {
  const [command, ...args] = node.under;
  const child = spawn(command, [...args, ...argv], { stdio: ['ignore', 'pipe', 'pipe'] });
  cleanUp(t, async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  let said = '';
  await new Promise<void>((resolve, reject) => {
    const hear = (data: Buffer): void => {
      said += data.toString();
      if (ready.test(said)) resolve();
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      reject(new Error(`${argv.join(' ')} ended with ${code ?? signal}:\n${said}`));
    });
  });
}
