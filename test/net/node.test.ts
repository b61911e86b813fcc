import assert from 'node:assert/strict';
import { type AddressInfo, createServer } from 'node:net';
import { describe, it } from 'node:test';
import { PsephosError } from '#src/base/errors.js';
import { dialPeer, parseDialTarget, startNode } from '#src/net/index.js';
import { FakeService, entryOf, noDefect, sampleInfo, testClient, testNode, until } from './support.js';
import { cleanUp } from '../support/cleanup.ts';

const usage = (code: string) => ({ name: 'PsephosError', kind: 'usage', code });

describe('a node', () => {
  it('listens on IPv6 and IPv4 at once, and names its addresses with its peer id', async (t) => {
    const node = await startNode({
      listen: [{ address: '/ip6/::1/tcp/0' }, { address: '/ip4/127.0.0.1/tcp/0' }],
      service: new FakeService(),
      onDefect: noDefect,
    });
    cleanUp(t, () => node.stop());
    const addresses = node.addresses();
    assert.equal(addresses.length, 2);
    for (const address of addresses) {
      assert.match(address, /^\/ip[46]\/(::1|127\.0\.0\.1)\/tcp\/[1-9]\d*\/p2p\/12D3KooW/);
      assert.deepEqual(await (await testClient(t, address)).info(), sampleInfo());
    }
  });

  it('names the addresses of every interface for a wildcard, public ones too', async (t) => {
    const node = await startNode({ listen: [{ address: '/ip4/0.0.0.0/tcp/0' }], onDefect: noDefect });
    cleanUp(t, () => node.stop());
    assert.ok(node.addresses().some((address) => address.startsWith('/ip4/127.0.0.1/tcp/')));
    assert.ok(node.addresses().every((address) => !address.includes('/0.0.0.0/')));
  });

  it('on the two wildcards shares one port between IPv6 and IPv4', async (t) => {
    const probe = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => probe.on('listening', resolve));
    const { port } = probe.address() as AddressInfo;
    await new Promise((resolve) => probe.close(resolve));
    const node = await startNode({
      listen: [{ address: `/ip6/::/tcp/${port}` }, { address: `/ip4/0.0.0.0/tcp/${port}` }],
      onDefect: noDefect,
    });
    cleanUp(t, () => node.stop());
    assert.ok(node.addresses().some((address) => address.startsWith(`/ip6/::1/tcp/${port}/`)));
    assert.ok(node.addresses().some((address) => address.startsWith(`/ip4/127.0.0.1/tcp/${port}/`)));
  });

  it('says that a port is in use, naming it', async (t) => {
    const { address } = await testNode(t, new FakeService());
    const taken = address.replace(/\/p2p\/.*/, '');
    await assert.rejects(startNode({ listen: [{ address: taken }], onDefect: noDefect }), (error) => {
      assert.ok(error instanceof PsephosError);
      assert.equal(error.kind, 'usage');
      assert.equal(error.code, 'port-in-use');
      assert.ok(error.message.includes(taken));
      return true;
    });
    // One of two is enough to stop; the other port is free again after.
    const probe = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => probe.on('listening', resolve));
    const { port } = probe.address() as AddressInfo;
    await new Promise((resolve) => probe.close(resolve));
    const free = `/ip4/127.0.0.1/tcp/${port}`;
    const both = [{ address: free }, { address: taken }];
    await assert.rejects(startNode({ listen: both, onDefect: noDefect }), usage('port-in-use'));
    const node = await startNode({ listen: [{ address: free }], onDefect: noDefect });
    await node.stop();
  });

  it('starts without an optional address, and says which and why', async (t) => {
    const listen = [
      { address: '/ip4/127.0.0.1/tcp/0' },
      { address: '/ip6/2001:db8::77/tcp/0', optional: true },
    ];
    const node = await startNode({ listen, onDefect: noDefect });
    cleanUp(t, () => node.stop());
    assert.equal(node.addresses().length, 1);
    assert.deepEqual(node.failedAddresses, [
      { address: '/ip6/2001:db8::77/tcp/0', reason: 'this machine does not have the address' },
    ]);
  });

  it('does not start where no optional address can be had, or one that is not optional', async () => {
    for (const optional of [true, false]) {
      const listen = [{ address: '/ip6/2001:db8::77/tcp/0', optional }];
      await assert.rejects(startNode({ listen, onDefect: noDefect }), usage('address-not-available'));
    }
  });

  it('refuses addresses that can’t be listened on', async () => {
    for (const address of [
      '',
      '4000',
      '/ip6/::',
      '/dns4/example.org/tcp/4000',
      '/ip6/::/udp/4000',
      '/ip4/1.2.3.4/tcp/70000',
      '/ip6/::/tcp/4000/p2p/12D3KooWMG8mMfNkUdaSoJFGcHHYgNBRMGRfEA4a6afhWom2XCBZ',
    ]) {
      await assert.rejects(
        startNode({ listen: [{ address }], onDefect: noDefect }),
        usage('bad-address'),
        address,
      );
    }
  });

  it('when it stops, answers what is in progress, turns newcomers away, and is then gone', async (t) => {
    const service = new FakeService();
    let answer: ((receipt: string) => void) | undefined;
    service.onCast = () => new Promise((resolve) => (answer = resolve));
    const { node, address } = await testNode(t, service);
    const client = await testClient(t, address, { retries: 0 });
    const idle = await testClient(t, address, { retries: 0 });
    await idle.info();
    const cast = client.cast(new Uint8Array(1));
    await until('the cast is in progress', () => answer !== undefined);
    const stopped = node.stop();
    await assert.rejects(dialPeer(parseDialTarget(address), { retries: 0 }), { kind: 'unreachable' });
    answer?.('the last receipt');
    assert.equal(await cast, 'the last receipt');
    await stopped;
    assert.equal(node.connectionCount(), 0);
    await assert.rejects(idle.info(), { kind: 'unreachable' });
    await assert.rejects(dialPeer(parseDialTarget(address), { retries: 0 }), { kind: 'unreachable' });
  });

  it('when it stops, does not wait for ever for a service that hangs, nor for followers', async (t) => {
    const service = new FakeService();
    service.onCast = () => new Promise(() => undefined);
    service.grow(entryOf(0));
    const { node, address } = await testNode(t, service, { stopMs: 100 });
    const client = await testClient(t, address, { retries: 0 });
    const cast = assert.rejects(client.cast(new Uint8Array(1)), { kind: 'unreachable' });
    const updates = client.follow(0)[Symbol.asyncIterator]();
    await updates.next();
    await updates.next();
    await node.stop();
    await cast;
    await assert.rejects(updates.next(), { kind: 'unreachable' });
    assert.equal(service.listeners.size, 0);
  });
});
