import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Authority } from '#src/cli/observer/authority.js';
import { peerIdOf } from '#src/net/index.js';
import { testKey } from '../support/test-keys.ts';

const PEER = peerIdOf(testKey(1).publicKey);
const OTHER = peerIdOf(testKey(2).publicKey);
const [BEFORE, AFTER] = ['/ip6/2001:db8::1/tcp/4000', '/ip6/2001:db8::2/tcp/4000'];

/** What a connection to somebody is told. */
function connected(authority: Authority, peerId: string, address: string): { hungUp: number } {
  const told = { hungUp: 0, peerId, way: { path: 'direct-ip6' as const, address } };
  authority.note(Object.assign(told, { hangUp: () => (told.hungUp += 1) }));
  return told;
}

describe('an observer that is told where the organiser is', () => {
  it('hangs up where the organiser was and is no more, and nowhere else', () => {
    const authority = new Authority(PEER);
    const stale = connected(authority, PEER, BEFORE);
    const good = connected(authority, PEER, AFTER);
    // By an address of the router's, of which the organiser knows nothing.
    const forwarded = connected(authority, PEER, '/ip4/203.0.113.5/tcp/4000');
    const other = connected(authority, OTHER, BEFORE);
    authority.isAt(PEER, [BEFORE, AFTER]);
    authority.isAt(OTHER, []);
    assert.equal(stale.hungUp, 0);
    authority.isAt(PEER, [AFTER]);
    assert.deepEqual(
      [stale, good, forwarded, other].map(({ hungUp }) => hungUp),
      [1, 0, 0, 0],
    );
    authority.isAt(PEER, [AFTER]);
    assert.equal(stale.hungUp, 1);
  });
});
