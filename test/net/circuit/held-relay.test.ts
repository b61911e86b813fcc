import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PsephosError } from '#src/base/errors.js';
import { encodeHop } from '#src/net/circuit/messages.js';
import { parseRelays, peerIdOf } from '#src/net/index.js';
import { MAX_RELAYS } from '#src/net/limits.js';
import { testKey } from '../../support/test-keys.js';
import { FakeService, sampleInfo, testClient, testNode, until } from '../support.js';
import { lyingRelay, nodeBehind, readHop, reserved, say, testRelay, untilTold } from './support.js';

const listenOn = (address: string) => address.replace(/\/p2p\/.*/, '');

describe('a node with a relay', () => {
  it('is reachable again by itself after its relay was killed and started again on the same port', async (t) => {
    const first = await testRelay(t);
    const { node, events, through } = await nodeBehind(t, new FakeService(), [first.target]);
    const client = await testClient(t, through);
    assert.deepEqual(await client.info(), sampleInfo());
    await first.relay.stop();
    await untilTold(events, 'relay-lost');
    await assert.rejects(testClient(t, through), { code: 'unreachable' });
    assert.ok(node.addresses().includes(through), 'invites that name it are good again later');
    const again = await testRelay(t, { listen: listenOn(first.address) });
    assert.equal(again.address, first.address);
    await untilTold(events, 'relay-held', 2);
    assert.deepEqual(await (await testClient(t, through)).info(), sampleInfo());
    assert.deepEqual(await client.info(), sampleInfo(), 'who was connected before is so again');
    const told = events.map((event) => [
      event.type,
      event.type === 'relay-held' ? event.again : event.before,
    ]);
    assert.deepEqual(told[0], ['relay-held', false]);
    assert.deepEqual(told[1], ['relay-lost', true]);
    assert.deepEqual(told.at(-1), ['relay-held', true]);
  });

  it('answers a ballot that was on its way when its relay was killed, once the relay is back', async (t) => {
    const first = await testRelay(t);
    const service = new FakeService();
    let got: (() => void) | undefined;
    const arrived = new Promise<void>((resolve) => (got = resolve));
    let answers: (receipt: string) => void = () => undefined;
    service.onCast = () => {
      got?.();
      return new Promise((resolve) => (answers = resolve));
    };
    const { through, events } = await nodeBehind(t, service, [first.target]);
    const client = await testClient(t, through, { retries: 30 });
    const cast = client.cast(new Uint8Array(1));
    await arrived;
    await first.relay.stop();
    answers('the receipt that nobody got');
    service.onCast = () => Promise.resolve('the same receipt again');
    await untilTold(events, 'relay-lost');
    await testRelay(t, { listen: listenOn(first.address) });
    assert.equal(await cast, 'the same receipt again');
  });

  it('notices a relay that was started again without it noticing, or forgot it', async (t) => {
    let asked = 0;
    let forgets = false;
    const { target, host } = await lyingRelay(t, async (channel) => {
      await readHop(channel);
      asked += 1;
      await say(channel, forgets ? encodeHop({ type: 'status', status: 'permission-denied' }) : reserved());
    });
    const { events } = await nodeBehind(t, new FakeService(), [target]);
    await untilTold(events, 'relay-held');
    await until('it was renewed', () => asked >= 3);
    assert.equal(events.length, 1, 'nothing is said of what goes well');
    forgets = true;
    await untilTold(events, 'relay-lost');
    forgets = false;
    await untilTold(events, 'relay-held', 2);
    // The connection is cut, and the relay goes on.
    for (const connection of host.getConnections()) connection.abort(new Error('cut'));
    await untilTold(events, 'relay-held', 3);
    assert.match(JSON.stringify(events), /the connection to the relay was lost/);
  });

  it('notices a relay that falls silent with the connection open', async (t) => {
    let silent = false;
    const { target } = await lyingRelay(t, async (channel) => {
      await readHop(channel);
      if (silent) await new Promise((resolve) => setTimeout(resolve, 60_000).unref());
      await say(channel, reserved());
    });
    const { node, events } = await nodeBehind(t, new FakeService(), [target], { answerMs: 200 });
    await untilTold(events, 'relay-held');
    silent = true;
    await untilTold(events, 'relay-lost');
    silent = false;
    await untilTold(events, 'relay-held', 2);
    assert.equal(node.connectionCount(), 1, 'the silent connection was given up');
  });

  it('starts without its relay, and finds it when it is there', async (t) => {
    const { relay, address, target } = await testRelay(t);
    await relay.stop();
    const { node, events } = await nodeBehind(t, new FakeService(), [target]);
    assert.equal(node.addresses().length, 1);
    assert.match(JSON.stringify(events), /connection refused: nothing listens there/);
    await testRelay(t, { listen: listenOn(address) });
    await untilTold(events, 'relay-held');
    const through = node.addresses()[1] ?? '';
    assert.deepEqual(await (await testClient(t, through)).info(), sampleInfo());
    assert.equal(events.length, 2, 'each is told once, however often it was tried');
  });

  it('says what is wrong with what it was told is a relay', async (t) => {
    const noRelay = await testNode(t, new FakeService(), {}, { seed: testKey(55).seed });
    const { events } = await nodeBehind(t, new FakeService(), parseRelays([noRelay.address]));
    await untilTold(events, 'relay-lost');
    assert.match(JSON.stringify(events), /a peer answers there, but it is no relay/);

    const { address } = await testRelay(t);
    const other = peerIdOf(testKey(56).publicKey);
    const wrong = await nodeBehind(t, new FakeService(), parseRelays([`${listenOn(address)}/p2p/${other}`]));
    await untilTold(wrong.events, 'relay-lost');
    assert.match(JSON.stringify(wrong.events), /is there, not 12D3KooW/);

    const strange = await lyingRelay(t, async (channel) => {
      await say(channel, Uint8Array.of(0xff));
    });
    const confused = await nodeBehind(t, new FakeService(), [strange.target]);
    await untilTold(confused.events, 'relay-lost');
    assert.match(JSON.stringify(confused.events), /the relay hung up, or answered what is not understood/);
  });

  it('knows a relay by several addresses, one of which may be dead, and names all of them', async (t) => {
    const { address, target } = await testRelay(t);
    const dead = `/ip4/127.0.0.1/tcp/1/p2p/${target.peerId}`;
    const relays = parseRelays([dead, address]);
    assert.equal(relays.length, 1);
    const { node, events } = await nodeBehind(t, new FakeService(), relays);
    await untilTold(events, 'relay-held');
    const end = `/p2p-circuit/p2p/${node.peerId}`;
    assert.deepEqual(node.addresses().slice(1), [`${dead}${end}`, `${address}${end}`]);
  });

  it('takes an address of the other family from the relay, and nothing that is less public', async (t) => {
    const told = [
      '/ip4/10.0.0.1/tcp/4002',
      '/ip6/::1/tcp/9',
      '/ip4/127.0.0.1/udp/4002/quic-v1',
      '/ip4/127.0.0.1/tcp/4002',
      '/ip4/127.0.0.2/tcp/4002',
      '/dns4/relay.example.org/tcp/4002',
    ];
    const { target } = await lyingRelay(t, async (channel) => {
      await readHop(channel);
      await say(channel, reserved(told));
    });
    const { node, events } = await nodeBehind(t, new FakeService(), [target]);
    await untilTold(events, 'relay-held');
    const relayed = node
      .addresses()
      .slice(1)
      .map((text) => text.replace(/\/p2p\/.*/, ''));
    assert.deepEqual(relayed, [target.addresses[0], '/ip4/127.0.0.1/tcp/4002']);
  });

  it('keeps no stream of a renewal that the relay leaves open, and goes on renewing', async (t) => {
    let renewals = 0;
    const { target } = await lyingRelay(t, async (channel) => {
      await readHop(channel);
      renewals += 1;
      await say(channel, reserved());
    });
    const { node, events } = await nodeBehind(t, new FakeService(), [target]);
    await until('it was renewed more often than it may open streams', () => renewals > 40, 20_000);
    assert.deepEqual(
      events.map(({ type }) => type),
      ['relay-held'],
    );
    assert.ok(node.streamCount() <= 1, `${node.streamCount()} streams are open`);
  });

  it('gives its relays up when it stops, even one that it never reached', async (t) => {
    const { relay, target } = await testRelay(t);
    const dead = { peerId: peerIdOf(testKey(57).publicKey), addresses: ['/ip6/::1/tcp/1'] };
    const { node, events } = await nodeBehind(t, new FakeService(), [target, dead]);
    await untilTold(events, 'relay-held');
    await node.stop();
    await until('the relay has forgotten it', () => relay.figures().reservations === 0);
    assert.equal(events.filter(({ type }) => type === 'relay-lost').length, 1, 'a stop is no loss');
  });
});

describe('the addresses of relays', () => {
  const peerId = (byte: number) => peerIdOf(testKey(byte).publicKey);

  it('must name the relay, and are few', () => {
    const usage = (code: string) => (error: unknown) =>
      error instanceof PsephosError && error.kind === 'usage' && error.code === code;
    assert.throws(() => parseRelays(['/ip6/::1/tcp/4002']), usage('bad-address'));
    assert.throws(
      () => parseRelays([`/ip6/::1/tcp/4002/p2p/${peerId(1)}/p2p-circuit`]),
      usage('bad-address'),
    );
    const many = Array.from({ length: MAX_RELAYS + 1 }, (_, i) => `/ip6/::1/tcp/4002/p2p/${peerId(i + 1)}`);
    assert.throws(() => parseRelays(many), usage('too-many-relays'));
    assert.equal(parseRelays(many.slice(1)).length, MAX_RELAYS);
  });
});
