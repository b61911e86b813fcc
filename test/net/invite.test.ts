import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { PsephosError } from '#src/base/errors.js';
import { cidOf } from '#src/crypto/cid.js';
import { formatInvite, parseDialTarget, peerIdOf, publicKeyOfPeer } from '#src/net/index.js';
import { testKey } from '../support/test-keys.js';

const peerId = peerIdOf(testKey(1).publicKey);
const otherPeer = peerIdOf(testKey(2).publicKey);
const electionId = cidOf(Uint8Array.of(1)).toString();
const usage = (code: string) => ({ name: 'PsephosError', kind: 'usage', code });

describe('peer ids', () => {
  it('stand for an Ed25519 public key, both ways', () => {
    for (let byte = 1; byte < 20; byte += 1) {
      const { publicKey } = testKey(byte);
      assert.match(peerIdOf(publicKey), /^12D3KooW/);
      assert.deepEqual(publicKeyOfPeer(peerIdOf(publicKey)), publicKey);
    }
  });

  it('of other keys, in other spellings, or cut short are refused', () => {
    for (const text of [
      '',
      'hello',
      peerId.slice(0, -1),
      `${peerId}1`,
      'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N',
      '16Uiu2HAm9jYWZ4jJQ1a1PjWyYz8Gv9bVQmYFZC1m4Z6dXVbGJcXy',
    ]) {
      assert.throws(() => publicKeyOfPeer(text), usage('bad-peer-id'), text);
    }
  });
});

describe('an invite', () => {
  it('is read back as it was written, for any addresses', () => {
    const address = fc.oneof(
      fc.tuple(fc.ipV6(), fc.nat(65535)).map(([ip, port]) => `/ip6/${ip}/tcp/${port}`),
      fc.tuple(fc.ipV4(), fc.nat(65535)).map(([ip, port]) => `/ip4/${ip}/tcp/${port}`),
      fc.nat(65535).map((port) => `/dns4/vote.example.org/tcp/${port}`),
    );
    const observer = fc
      .tuple(address, fc.integer({ min: 2, max: 20 }))
      .map(([at, key]) => `${at}/p2p/${peerIdOf(testKey(key).publicKey)}`);
    const lists = [
      fc.uniqueArray(address, { minLength: 1, maxLength: 8 }),
      fc.uniqueArray(observer, { maxLength: 8 }),
    ] as const;
    fc.assert(
      fc.property(...lists, (addresses, observers) => {
        const text = formatInvite({ peerId, electionId, addresses, observers });
        const target = parseDialTarget(text);
        assert.deepEqual([target.peerId, target.electionId], [peerId, electionId]);
        assert.equal(target.observers.length, observers.length);
        // The library may write an IPv6 address in another of its spellings.
        assert.equal(formatInvite({ ...target, peerId, electionId }), text);
      }),
    );
  });

  it('is short, readable, and leaves out what each address would repeat', () => {
    assert.equal(
      formatInvite({
        peerId,
        electionId,
        addresses: [`/ip6/2001:db8::1/tcp/4000/p2p/${peerId}`, '/ip4/192.0.2.1/tcp/4000'],
      }),
      `psephos:${peerId}/${electionId}?a=/ip6/2001:db8::1/tcp/4000&a=/ip4/192.0.2.1/tcp/4000`,
    );
  });

  it('with its query escaped by another program is the same', () => {
    const escaped = `psephos:${peerId}/${electionId}?a=%2Fip6%2F2001%3Adb8%3A%3A1%2Ftcp%2F4000`;
    assert.deepEqual(parseDialTarget(` ${escaped}\n`), {
      peerId,
      electionId,
      addresses: ['/ip6/2001:db8::1/tcp/4000'],
      observers: [],
    });
  });

  it('names observers, each once, in the spelling that programs use', () => {
    const good = `psephos:${peerId}/${electionId}?a=/ip6/::1/tcp/4000`;
    const observer = `/dns4/eye.example.org/tcp/4001/p2p/${otherPeer}`;
    assert.equal(
      formatInvite({ peerId, electionId, addresses: ['/ip6/::1/tcp/4000'], observers: [observer] }),
      `${good}&o=${observer}`,
    );
    assert.deepEqual(parseDialTarget(`${good}&o=${observer}&o=${observer}`).observers, [observer]);
    assert.deepEqual(parseDialTarget(good).observers, []);
  });

  it('cut short or changed in a letter anywhere is refused, or names what it says and nothing else', () => {
    const observer = `/dns4/eye.example.org/tcp/4001/p2p/${otherPeer}`;
    const addresses = ['/ip6/2001:db8::1/tcp/4000', '/ip4/192.0.2.1/tcp/4000'];
    const good = formatInvite({ peerId, electionId, addresses, observers: [observer] });
    const read = (text: string) => {
      try {
        return parseDialTarget(text);
      } catch (error) {
        assert.ok(error instanceof PsephosError && error.kind === 'usage', text);
        return undefined;
      }
    };
    for (let length = 0; length < good.length; length++) {
      const target = read(good.slice(0, length));
      if (target !== undefined) assert.deepEqual([target.peerId, target.electionId], [peerId, electionId]);
    }
    fc.assert(
      fc.property(
        fc.nat(good.length - 1),
        fc.string({ unit: 'grapheme-ascii', maxLength: 1 }),
        (at, letter) => {
          const text = `${good.slice(0, at)}${letter}${good.slice(at + 1)}`;
          const target = read(text);
          if (target?.peerId !== undefined) assert.ok(text.includes(target.peerId), text);
          if (target?.electionId !== undefined) assert.ok(text.includes(target.electionId), text);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('that is damaged is refused with the reason', () => {
    const good = `psephos:${peerId}/${electionId}?a=/ip6/::1/tcp/4000`;
    assert.deepEqual(parseDialTarget(good).addresses, ['/ip6/::1/tcp/4000']);
    const cases: readonly [string, string][] = [
      ['psephos:', 'bad-invite'],
      [`psephos:${peerId}/${electionId}`, 'bad-invite'],
      [`psephos:${peerId}/${electionId}?`, 'bad-invite'],
      [`psephos:${peerId}?a=/ip6/::1/tcp/4000`, 'bad-invite'],
      [good.replace(peerId, 'x'), 'bad-peer-id'],
      [good.replace(electionId, electionId.slice(0, -2)), 'bad-invite'],
      [good.replace(electionId, electionId.toUpperCase()), 'bad-invite'],
      [good.replace(electionId, 'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N'), 'bad-invite'],
      [`${good}&b=1`, 'bad-invite'],
      [`${good}#part`, 'bad-invite'],
      [`${good}&a=/ip6/::1/udp/4000`, 'bad-address'],
      [`${good}&a=/ip6/::1/tcp/4000/p2p/${otherPeer}`, 'bad-invite'],
      [`${good}&o=/ip6/::1/tcp/4001`, 'bad-invite'],
      [`${good}&o=/ip6/::1/tcp/4001/p2p/${peerId}`, 'bad-invite'],
      [`${good}&o=/ip6/::1/tcp/4001/p2p/x`, 'bad-peer-id'],
      [`${good}&o=/ip6/::1/udp/4001/p2p/${otherPeer}`, 'bad-address'],
      [`${good}&o=`, 'bad-address'],
      [good + `&o=/ip6/::1/tcp/1/p2p/${otherPeer}`.repeat(9), 'bad-invite'],
      [`psephos:${peerId}/${electionId}?o=/ip6/::1/tcp/4001/p2p/${otherPeer}`, 'bad-invite'],
      [good + '&a=/ip6/::1/tcp/1'.repeat(16), 'bad-invite'],
      [good + '&a=/ip6/::1/tcp/1'.repeat(200), 'bad-invite'],
    ];
    for (const [text, code] of cases) assert.throws(() => parseDialTarget(text), usage(code), text);
  });
});

describe('addresses through relays', () => {
  const relay = `/ip6/2001:db8::9/tcp/4002/p2p/${otherPeer}`;
  const circuit = `${relay}/p2p-circuit`;

  it('name the relay and, but in an invite, the peer behind it', () => {
    const target = parseDialTarget(`${circuit}/p2p/${peerId}`);
    assert.deepEqual([target.peerId, target.addresses], [peerId, [circuit]]);
    const invite = formatInvite({
      peerId,
      electionId,
      addresses: ['/ip6/::1/tcp/4000', `${circuit}/p2p/${peerId}`],
    });
    assert.equal(invite, `psephos:${peerId}/${electionId}?a=/ip6/::1/tcp/4000&a=${circuit}`);
    assert.deepEqual(parseDialTarget(invite).addresses, ['/ip6/::1/tcp/4000', circuit]);
  });

  it('can be those of observers', () => {
    const observer = peerIdOf(testKey(3).publicKey);
    const observers = [`${circuit}/p2p/${observer}`];
    const invite = formatInvite({ peerId, electionId, addresses: ['/ip6/::1/tcp/4000'], observers });
    assert.deepEqual(parseDialTarget(invite).observers, observers);
  });

  it('that lead nowhere, in a circle, or through two relays are refused', () => {
    for (const [text, code] of [
      [circuit, 'bad-address'],
      [`/ip6/2001:db8::9/tcp/4002/p2p-circuit/p2p/${peerId}`, 'bad-address'],
      [`${circuit}/p2p/${otherPeer}`, 'bad-address'],
      [`${circuit}/p2p/${peerId}/p2p-circuit/p2p/${peerId}`, 'bad-address'],
      [`${circuit}/tcp/4000`, 'bad-address'],
      [`${circuit}/`, 'bad-address'],
      [`${circuit}/p2p/12D3KooW`, 'bad-peer-id'],
      [`/p2p/${otherPeer}/p2p-circuit/p2p/${peerId}`, 'bad-address'],
      [`psephos:${peerId}/${electionId}?a=/ip6/::1/tcp/1/p2p/${peerId}/p2p-circuit`, 'bad-invite'],
    ] as const) {
      assert.throws(() => parseDialTarget(text), usage(code), text);
    }
  });
});

describe('an address to dial', () => {
  it('pins the peer that it names', () => {
    assert.deepEqual(parseDialTarget(`/ip4/127.0.0.1/tcp/4000/p2p/${peerId}`), {
      peerId,
      electionId: undefined,
      addresses: ['/ip4/127.0.0.1/tcp/4000'],
      observers: [],
    });
    assert.equal(parseDialTarget('/dns6/vote.example.org/tcp/4000').peerId, undefined);
  });

  it('of another kind, or damaged, is refused with the reason', () => {
    for (const text of [
      '',
      'localhost:4000',
      '127.0.0.1',
      'https://example.org',
      '/ip4/127.0.0.1',
      '/ip4/127.0.0.1/udp/4000',
      '/ip4/256.0.0.1/tcp/4000',
      '/ip6/:::/tcp/4000',
      '/ip4/127.0.0.1/tcp/65536',
      '/ip4/127.0.0.1/tcp/x',
      '/ip4/127.0.0.1/tcp/4000/ws',
      `/ip4/127.0.0.1/tcp/4000/p2p/${peerId}/p2p-circuit`,
      `/p2p/${peerId}`,
      '/unix/%2Ftmp%2Fsocket',
      '/dns4/not a host/tcp/4000',
      '/dnsaddr/example.org/tcp/4000',
    ]) {
      assert.throws(() => parseDialTarget(text), usage('bad-address'), text);
    }
    assert.throws(() => parseDialTarget('/ip4/127.0.0.1/tcp/4000/p2p/12D3KooW'), usage('bad-peer-id'));
  });
});
