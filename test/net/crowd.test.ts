import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { dialPeer, parseDialTarget } from '#src/net/index.js';
import { FakeService, sampleInfo, testNode, until } from './support.js';

describe('a polling station', () => {
  it('serves 200 voters that come from one address at once, none turned away or asked to try again', async (t) => {
    const { node, address, defects } = await testNode(t, new FakeService());
    const voters = await Promise.all(
      Array.from({ length: 200 }, () =>
        dialPeer(parseDialTarget(address), { retries: 0, timeoutMs: 60_000 }),
      ),
    );
    await until('all are connected', () => node.connectionCount() === 200);
    const receipts = await Promise.all(
      voters.map(async (voter, i) => {
        assert.deepEqual(await voter.info(), sampleInfo());
        return voter.cast(new Uint8Array(i));
      }),
    );
    assert.deepEqual(
      receipts,
      Array.from({ length: 200 }, (_, i) => `receipt of ${i} bytes`),
    );
    await Promise.all(voters.map((voter) => voter.close()));
    await until('all are gone', () => node.connectionCount() === 0 && node.streamCount() === 0);
    assert.deepEqual(defects, []);
  });
});
