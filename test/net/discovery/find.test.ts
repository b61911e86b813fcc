import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { dialPeer } from '#src/net/index.js';
import { cleanUp } from '../../support/cleanup.ts';
import { addressOf, foundNode, servers, untilAsked } from './support.ts';

/** Where nothing listens. */
const STALE = '/ip6/::1/tcp/9';

describe('a peer whose addresses have changed', () => {
  it('is found by its id, through an observer that it told where it is', async (t) => {
    const observer = await foundNode(t, { key: 2 });
    const authority = await foundNode(t, { key: 1, entryPoints: () => [addressOf(observer)] });
    await untilAsked('the observer knows where the authority is', async () =>
      (await servers([addressOf(observer)])).includes(authority.peerId),
    );
    const client = await dialPeer({
      peerId: authority.peerId,
      addresses: [STALE],
      observers: [addressOf(observer)],
    });
    cleanUp(t, () => client.close());
    assert.equal(client.peerId, authority.peerId);
    assert.equal(`${client.way.address}/p2p/${client.peerId}`, addressOf(authority));
  });
});
