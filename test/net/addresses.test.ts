import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { worthDialling } from '#src/cli/discovery.js';
import { sourceOf } from '#src/net/addresses.js';
import { type Reach, describeReachability, mayMean, reachOf } from '#src/net/index.js';

const CASES: readonly [string, Reach][] = [
  ['/ip4/127.0.0.1', 'loopback'],
  ['/ip4/127.9.9.9', 'loopback'],
  ['/ip6/::1', 'loopback'],
  ['/ip4/169.254.1.2', 'link-local'],
  ['/ip6/fe80::1', 'link-local'],
  ['/ip4/10.1.2.3', 'local-network'],
  ['/ip4/172.16.0.1', 'local-network'],
  ['/ip4/172.31.255.255', 'local-network'],
  ['/ip4/192.168.178.20', 'local-network'],
  ['/ip6/fd12:3456::1', 'local-network'],
  ['/ip6/fc00::1', 'local-network'],
  ['/ip4/100.64.0.1', 'shared'],
  ['/ip4/100.127.255.254', 'shared'],
  ['/ip4/100.63.255.255', 'public'],
  ['/ip4/100.128.0.1', 'public'],
  ['/ip4/172.32.0.1', 'public'],
  ['/ip4/8.8.8.8', 'public'],
  ['/ip6/2a02:8071:1234::5', 'public'],
  ['/ip6/2409:40c2:1::1', 'public'],
  ['/ip4/0.0.0.0', 'other'],
  ['/ip4/255.255.255.255', 'other'],
  ['/ip4/203.0.113.5', 'other'],
  ['/ip6/::', 'other'],
  ['/ip6/ff02::1', 'other'],
  ['/ip6/::ffff:192.168.1.1', 'local-network'],
  ['/dns4/example.org', 'name'],
];

describe('who can dial an address', () => {
  for (const [address, reach] of CASES) {
    it(`${address}: ${reach}`, () => {
      assert.equal(reachOf(`${address}/tcp/4000`), reach);
      assert.equal(
        reachOf(`${address}/tcp/4000/p2p/12D3KooWMG8mMfNkUdaSoJFGcHHYgNBRMGRfEA4a6afhWom2XCBZ`),
        reach,
      );
    });
  }

  it('is asked of the relay, where somebody says an address through one', () => {
    const PEER = '12D3KooWMG8mMfNkUdaSoJFGcHHYgNBRMGRfEA4a6afhWom2XCBZ';
    const through = (ip: string) => `${ip}/tcp/4002/p2p/${PEER}/p2p-circuit`;
    const elsewhere = ['/ip6/2a02:8071:1234::5/tcp/1', through('/ip4/8.8.8.8')];
    for (const ip of ['/ip4/127.0.0.1', '/ip4/192.168.1.5', '/ip6/fd12:3456::1', '/ip4/169.254.1.2']) {
      assert.equal(mayMean(through(ip), elsewhere), false, ip);
      assert.deepEqual(
        worthDialling(elsewhere, [{ addresses: [`${through(ip)}/p2p/${PEER}`, `${ip}/tcp/1/p2p/${PEER}`] }]),
        [],
      );
      assert.equal(mayMean(through(ip), [`${ip}/tcp/9`]), true, ip);
    }
    assert.equal(mayMean(through('/ip4/8.8.8.8'), ['/ip6/::1/tcp/1']), true);
    assert.equal(mayMean(through('/dns4/example.org'), []), true);
  });

  it('is summed up for the organiser', () => {
    const hotspot = [
      '/ip6/::1/tcp/1',
      '/ip6/2409:40c2::1/tcp/1',
      '/ip4/100.90.1.1/tcp/1',
      '/ip4/192.168.1.5/tcp/1',
    ];
    assert.deepEqual(describeReachability(hotspot), {
      public: ['/ip6/2409:40c2::1/tcp/1'],
      local: ['/ip4/100.90.1.1/tcp/1', '/ip4/192.168.1.5/tcp/1'],
      relayed: [],
      loopback: ['/ip6/::1/tcp/1'],
      publicIp6: true,
      publicIp4: false,
      behindProviderNat: true,
    });
    assert.deepEqual(describeReachability(['/ip4/127.0.0.1/tcp/1']), {
      public: [],
      local: [],
      relayed: [],
      loopback: ['/ip4/127.0.0.1/tcp/1'],
      publicIp6: false,
      publicIp4: false,
      behindProviderNat: false,
    });
  });
});

describe('where a peer comes from, for counting what it takes', () => {
  const same: readonly [string, string][] = [
    ['/ip6/2001:db8:1:2::1/tcp/1', '/ip6/2001:db8:1:2:ffff:ffff:ffff:ffff/tcp/2'],
    ['/ip4/198.51.100.7/tcp/1', '/ip4/198.51.100.7/tcp/2/p2p-circuit'],
    ['/ip4/198.51.100.7/tcp/1', '/ip6/::ffff:198.51.100.7/tcp/2'],
    ['/ip6zone/eth0/ip6/fe80::1/tcp/1', '/ip6/fe80::1/tcp/1'],
  ];
  const others: readonly [string, string][] = [
    ['/ip6/2001:db8:1:2::1/tcp/1', '/ip6/2001:db8:1:3::1/tcp/1'],
    ['/ip4/198.51.100.7/tcp/1', '/ip4/198.51.100.8/tcp/1'],
    ['/ip6/::ffff:198.51.100.7/tcp/1', '/ip6/::ffff:198.51.100.8/tcp/1'],
    ['/ip6/::1/tcp/1', '/ip4/127.0.0.1/tcp/1'],
  ];

  for (const [one, other] of same)
    it(`is the same for ${one} and ${other}`, () => {
      assert.equal(sourceOf(one), sourceOf(other));
    });
  for (const [one, other] of others)
    it(`is not the same for ${one} and ${other}`, () => {
      assert.notEqual(sourceOf(one), sourceOf(other));
    });
});
