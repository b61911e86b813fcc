import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';

const run = promisify(execFile);

describe('the prelude', () => {
  it('gives Promise.withResolvers to a runtime that lacks it, before libp2p is used', async () => {
    const program = `
      delete Promise.withResolvers;
      await import('#src/net/prelude.js');
      const { promise, resolve } = Promise.withResolvers();
      resolve(5);
      const failed = Promise.withResolvers();
      failed.reject(new Error('as told'));
      const reason = await failed.promise.catch((error) => error.message);
      process.stdout.write(JSON.stringify([await promise, reason]));`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', program]);
    assert.deepEqual(JSON.parse(stdout), [5, 'as told']);
  });

  it('comes with the node: a plain import of it runs, and ends', async () => {
    const program = `
      delete Promise.withResolvers;
      const { startNode, dialPeer, parseDialTarget } = await import('#src/net/index.js');
      const node = await startNode({ listen: [{ address: '/ip6/::1/tcp/0' }], onDefect: console.error });
      const client = await dialPeer(parseDialTarget(node.addresses()[0]));
      await client.close();
      await node.stop();
      process.stdout.write('ended');`;
    const { stdout, stderr } = await run(process.execPath, ['--input-type=module', '--eval', program]);
    assert.deepEqual({ stdout, stderr }, { stdout: 'ended', stderr: '' });
  });
});
