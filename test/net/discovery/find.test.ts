import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type PsephosNode, dialPeer, peerIdOf, startRelay } from '#src/net/index.js';
import { cleanUp } from '../../support/cleanup.ts';
import { testKey } from '../../support/test-keys.ts';
import { noDefect, sampleInfo, until } from '../support.ts';
import { QUICK_PRESENCE, addressOf, foundNode, servers, untilAsked } from './support.ts';

/** Where nothing listens. */
const STALE = '/ip6/::1/tcp/9';
const OTHER = peerIdOf(testKey(77).publicKey);
const OTHER_ELECTION = 'bafyreib2rxk3rybk3aobmv5cjuql3bm2twh4jo5uxgf5kpqcsgz7soitae';

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

  it('is found where it is now, and not where it was, by an observer and through it', async (t) => {
    const told: string[][] = [];
    const observer = await foundNode(t, {
      key: 2,
      onPeer: (peerId, addresses) => told.push([peerId, ...addresses]),
    });
    const entryPoints = () => [addressOf(observer)];
    const before = await foundNode(t, { key: 1, entryPoints });
    const [was = ''] = addressOf(before).split('/p2p/');
    await until('the observer was told', () => told.some((said) => said.includes(was)));
    await before.stop();
    const authority = await foundNode(t, { key: 1, entryPoints });
    const [is = ''] = addressOf(authority).split('/p2p/');
    assert.notEqual(is, was);
    await until('the observer was told again', () => told.some((said) => said.includes(is)));
    assert.deepEqual(
      told.filter((said) => said.includes(is)).map((said) => said.includes(was)),
      told.filter((said) => said.includes(is)).map(() => false),
    );
    const client = await dialPeer({ peerId: authority.peerId, addresses: [was], observers: entryPoints() });
    cleanUp(t, () => client.close());
    assert.equal(client.way.address, is);
    assert.deepEqual(await client.info(), sampleInfo());
  });

  it('is found again by a client that has lost it, under the same key', async (t) => {
    const observer = await foundNode(t, { key: 2 });
    const entryPoints = () => [addressOf(observer)];
    const before = await foundNode(t, { key: 1, entryPoints });
    const client = await dialPeer(
      { peerId: before.peerId, addresses: [bare(before)], observers: entryPoints() },
      { retries: 20 },
    );
    cleanUp(t, () => client.close());
    await client.info();
    await before.stop();
    const authority = await foundNode(t, { key: 1, entryPoints });
    await client.info();
    assert.equal(client.way.address, bare(authority));
  });

  it('is found through a node that was told by somebody else who was told', async (t) => {
    const far = await foundNode(t, { key: 2 });
    const near = await foundNode(t, { key: 3, entryPoints: () => [addressOf(far)] });
    const authority = await foundNode(t, { key: 1, entryPoints: () => [addressOf(far)] });
    await untilAsked('both have told it', async () => (await servers([addressOf(far)])).length === 2);
    const client = await dialPeer({
      peerId: authority.peerId,
      addresses: [STALE],
      observers: [addressOf(near)],
    });
    cleanUp(t, () => client.close());
    assert.equal(client.peerId, authority.peerId);
  });

  it('is not looked for where it is not known who it is, or nobody can be asked', async () => {
    await assert.rejects(dialPeer({ peerId: undefined, addresses: [STALE] }), { code: 'unreachable' });
    await assert.rejects(dialPeer({ peerId: OTHER, addresses: [STALE] }), { code: 'unreachable' });
  });
});

describe('the observers of an election', () => {
  it('are found by its id, those of that election alone', async (t) => {
    const server = await foundNode(t, { key: 9, electionId: OTHER_ELECTION });
    const entryPoints = () => [addressOf(server)];
    const observers = await Promise.all([2, 3].map((key) => foundNode(t, { key, entryPoints })));
    const known = observers.map(({ peerId }) => peerId).sort();
    await untilAsked('both are known', async () => (await servers(entryPoints())).join() === known.join());
    await untilAsked(
      'the other election’s is known as well',
      async () => (await servers(entryPoints(), OTHER_ELECTION)).join() === server.peerId,
    );
  });

  it('are found through a relay that takes part', async (t) => {
    const relay = await startRelay({
      seed: testKey(90).seed,
      listen: [{ address: '/ip6/::1/tcp/0' }],
      admits: () => Promise.resolve(true),
      onReservation: () => undefined,
      onDefect: noDefect,
      discovery: { entryPoints: [], timing: QUICK_PRESENCE },
    });
    cleanUp(t, () => relay.stop());
    const observer = await foundNode(t, { key: 2, entryPoints: () => relay.addresses() });
    await untilAsked(
      'the relay was told',
      async () => (await servers(relay.addresses())).join() === observer.peerId,
    );
  });
});

function bare(node: PsephosNode): string {
  return addressOf(node).split('/p2p/')[0] ?? '';
}
