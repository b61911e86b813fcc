import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { unusable } from '#src/base/errors.js';
import { startListening } from '#src/cli/listening.js';
import { inviteFor, reachabilityText } from '#src/cli/admin/reachability.js';
import { type ListenAddress, type PsephosNode, parseDialTarget, peerIdOf } from '#src/net/index.js';
import { cidOf } from '#src/crypto/cid.js';
import { publicKeyOf } from '#src/crypto/signature.js';
import { testSeed } from '../support/temp-election.ts';

const NODE = {} as PsephosNode;
const IP6 = '/ip6/::/tcp/4000';
const IP4 = '/ip4/0.0.0.0/tcp/4000';

/** Records what is tried; the tries that come first fail with these codes. */
function starter(...failures: string[]): {
  readonly tries: ListenAddress[][];
  readonly start: Parameters<typeof startListening>[2];
} {
  const tries: ListenAddress[][] = [];
  return {
    tries,
    start: (addresses) => {
      tries.push([...addresses]);
      const code = failures.shift();
      return code === undefined ? Promise.resolve(NODE) : Promise.reject(unusable(code, code));
    },
  };
}

describe('the addresses to listen on', () => {
  it('are those of both families by default, of which IPv4 may be missing', async () => {
    const { tries, start } = starter();
    await startListening({ listen: [], ip6Only: false }, 4000, start);
    assert.deepEqual(tries, [[{ address: IP6 }, { address: IP4, optional: true }]]);
  });

  it('are those of IPv4 alone on a machine without IPv6', async () => {
    const { tries, start } = starter('address-not-available');
    assert.equal(await startListening({ listen: [], ip6Only: false }, 4000, start), NODE);
    assert.deepEqual(tries[1], [{ address: IP6, optional: true }, { address: IP4 }]);
  });

  it('are not changed silently where the port is in use', async () => {
    const { tries, start } = starter('port-in-use');
    await assert.rejects(startListening({ listen: [], ip6Only: false }, 4000, start), /port-in-use/);
    assert.equal(tries.length, 1);
  });

  it('leave out IPv4 on request, and are otherwise exactly those that were asked for', async () => {
    const { tries, start } = starter();
    await startListening({ listen: [], ip6Only: true }, 4000, start);
    await startListening({ listen: ['/ip4/1.2.3.4/tcp/5'], ip6Only: false }, 4000, start);
    assert.deepEqual(tries, [[{ address: IP6 }], [{ address: '/ip4/1.2.3.4/tcp/5' }]]);
  });
});

const PEER = peerIdOf(publicKeyOf(testSeed(1)));
const at = (address: string) => `${address}/tcp/4000/p2p/${PEER}`;
const PUBLIC6 = at('/ip6/2a01:4f8::7');
const PUBLIC4 = at('/ip4/8.8.8.8');
const PRIVATE = at('/ip4/192.168.1.7');
const SHARED = at('/ip4/100.64.1.7');
const LOOPBACK = at('/ip6/::1');
const RELAY = `/ip6/2a01:4f8::9/tcp/4002/p2p/${peerIdOf(publicKeyOf(testSeed(2)))}/p2p-circuit`;
const RELAYED = `${RELAY}/p2p/${PEER}`;

describe('what an organiser is told of addresses', () => {
  it('is which of them everybody can dial, and which only the same network', () => {
    const text = reachabilityText([LOOPBACK, PRIVATE, PUBLIC6, PUBLIC4]);
    assert.match(
      text,
      /Public: everybody can dial\n {2}\/ip6\/2a01.*\n {2}\/ip4\/8\.8\.8\.8.*\nIn the same network.*\n {2}\/ip4\/192\.168/,
    );
    assert.match(text, /On this machine only\n {2}\/ip6\/::1/);
    assert.match(text, /A firewall can still be in the way/);
    assert.doesNotMatch(text, /WARNING/);
  });

  it('is a warning where none is public, and what to do', () => {
    assert.match(
      reachabilityText([LOOPBACK, PRIVATE]),
      /WARNING: no address here is public\. Only people in the same network/,
    );
    assert.match(reachabilityText([LOOPBACK]), /Only programs on this computer can vote/);
    assert.match(reachabilityText([LOOPBACK, SHARED]), /Your provider shares one IPv4 address/);
  });

  it('is that voters without IPv6 are left out where only that is public', () => {
    assert.match(reachabilityText([PUBLIC6]), /Public by IPv6 only/);
    assert.doesNotMatch(reachabilityText([PUBLIC4]), /IPv6 only/);
  });

  it('is that voters elsewhere come through the relay, where no address is public and there is one', () => {
    const text = reachabilityText([LOOPBACK, PRIVATE, RELAYED]);
    assert.match(text, /Through a relay: everybody who can dial the relay\n {2}\/ip6\/2a01:4f8::9/);
    assert.match(text, /No address of this computer is public: voters elsewhere come through the relay/);
    assert.doesNotMatch(text, /WARNING/);
    assert.match(reachabilityText([LOOPBACK]), /run a relay/, 'who has none is told of it');
  });

  it('leaves no address out', () => {
    const reserved = at('/ip4/192.0.2.1');
    assert.ok(reachabilityText([PUBLIC6, reserved]).includes(reserved));
  });
});

describe('an invite', () => {
  const electionId = cidOf(new Uint8Array([1])).toString();
  const addressesOf = (addresses: readonly string[]) =>
    parseDialTarget(inviteFor({ peerId: PEER, electionId }, addresses)).addresses;
  const bare = (address: string) => address.slice(0, address.indexOf('/p2p/'));

  it('holds the public addresses before those of the local network, and names peer and election', () => {
    const target = parseDialTarget(inviteFor({ peerId: PEER, electionId }, [LOOPBACK, PRIVATE, PUBLIC6]));
    assert.deepEqual(target, {
      peerId: PEER,
      electionId,
      addresses: [bare(PUBLIC6), bare(PRIVATE)],
      observers: [],
    });
  });

  it('holds loopback addresses only where there are no others', () => {
    assert.deepEqual(addressesOf([LOOPBACK]), [bare(LOOPBACK)]);
    assert.deepEqual(addressesOf([LOOPBACK, PRIVATE]), [bare(PRIVATE)]);
  });

  it('holds those through relays last, beside whatever else there is', () => {
    assert.deepEqual(addressesOf([LOOPBACK, RELAYED]), [bare(LOOPBACK), RELAY]);
    assert.deepEqual(addressesOf([RELAYED, PRIVATE, PUBLIC6]), [bare(PUBLIC6), bare(PRIVATE), RELAY]);
    const many = Array.from({ length: 9 }, (_, i) => RELAYED.replace('4002', String(5000 + i)));
    assert.equal(addressesOf([PUBLIC6, ...many]).length, 5);
  });

  it('names observers that can be dialled from as far, those known for longest first, and nothing else that calls itself one', () => {
    const observer = (address: string, key: number) =>
      `${bare(at(address))}/p2p/${peerIdOf(publicKeyOf(testSeed(key)))}`;
    const [far, near, here] = [
      observer('/ip4/93.184.216.34', 11),
      observer('/ip4/10.0.0.9', 12),
      observer('/ip6/::1', 13),
    ];
    const known = [[here], [near], [here, far], [observer('/ip4/8.8.8.8', 14)]].map((addresses) => ({
      addresses,
    }));
    const named = (own: readonly string[], observers: readonly { addresses: readonly string[] }[]) =>
      parseDialTarget(inviteFor({ peerId: PEER, electionId }, own, observers)).observers;
    assert.deepEqual(named([PUBLIC6], known), [far, observer('/ip4/8.8.8.8', 14), near]);
    assert.deepEqual(named([LOOPBACK], [{ addresses: [here] }]), [here]);
    assert.deepEqual(named([PUBLIC6], [{ addresses: [here] }]), []);
    const nonsense = ['/ip6/zz/tcp/1/p2p/x', 'psephos:x', LOOPBACK, '/ip4/10.0.0.9/tcp/4000'];
    assert.deepEqual(named([LOOPBACK], [{ addresses: nonsense }]), []);
  });

  it('stays short however many addresses there are', () => {
    const many = Array.from({ length: 40 }, (_, i) => at(`/ip4/10.0.0.${i}`));
    assert.equal(addressesOf([...many, PUBLIC6]).length, 4);
  });
});
