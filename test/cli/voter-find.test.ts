import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { peerIdOf } from '#src/net/index.js';
import { failed, run } from '../support/run-voter.ts';
import { testKey } from '../support/test-keys.ts';

const PEER = peerIdOf(testKey(1).publicKey);
const WHO = ['--username', 'ada', '--choose', '1', '--yes', '--json'];

describe('voter --find', () => {
  it('takes what can pin an election, and nothing else, before it asks anybody', async () => {
    failed(await run(['--find', 'psephos:12D3KooWnonsense', ...WHO]), 'bad-peer-id', 2);
    failed(await run(['--find', `psephos:${PEER}/bafy?a=/ip6/::1/tcp/1`, ...WHO]), 'bad-invite', 2);
    failed(await run(['--find', 'my election', ...WHO]), 'bad-peer-id', 2);
  });

  it('is in place of an address', async () => {
    failed(await run(WHO), 'usage', 2);
    const both = await run(['--find', PEER, '--dial', `/ip6/::1/tcp/9/p2p/${PEER}`, ...WHO]);
    failed(both, 'usage', 2);
    assert.match(both.err, /--find|--dial/);
  });
});
