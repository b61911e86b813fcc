import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { multiaddr } from '@multiformats/multiaddr';
import fc from 'fast-check';
import { encodeFields } from '#src/net/circuit/protobuf.js';
import { decodeAnswer, keyOf } from '#src/net/discovery/messages.js';
import { peerIdOf } from '#src/net/index.js';
import { LOOKUP_ADDRESSES, LOOKUP_ANSWER_PEERS } from '#src/net/limits.js';
import { testKey } from '../../support/test-keys.ts';

const PEER = peerIdOf(testKey(1).publicKey);

function peerField(addresses: readonly string[]): Uint8Array {
  return encodeFields([
    [1, keyOf({ peer: PEER })],
    ...addresses.map((address) => [2, multiaddr(address).bytes] as const),
  ]);
}

describe('an answer to where a peer is', () => {
  it('can be any bytes, and holds what is usable of them', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const answer = decodeAnswer(bytes);
        if (answer.ok) assert.ok(answer.value.closer.length <= LOOKUP_ANSWER_PEERS);
      }),
    );
  });

  it('holds no more peers and addresses than are looked at, and of those the ones of the kinds used here', () => {
    const many = Array.from({ length: 50 }, (_, port) => `/ip6/2001:db8::1/tcp/${port + 1}/p2p/${PEER}`);
    const others = ['/ip4/192.0.2.1/udp/1/quic-v1', '/dns4/example.org/tcp/1/ws'];
    const bytes = encodeFields([
      ...Array.from({ length: 1_000 }, () => [8, peerField(many)] as const),
      [9, peerField([...others, '/ip4/192.0.2.1/tcp/5'])],
      [9, Uint8Array.of(1, 2, 3)],
      [9, 7],
    ]);
    const answer = decodeAnswer(bytes);
    assert.ok(answer.ok);
    const { closer, providers } = answer.value;
    assert.equal(closer.length, LOOKUP_ANSWER_PEERS);
    assert.deepEqual(
      closer[0]?.addresses,
      many.slice(0, LOOKUP_ADDRESSES).map((address) => address.replace(`/p2p/${PEER}`, '')),
    );
    assert.deepEqual(providers, [{ peerId: PEER, addresses: ['/ip4/192.0.2.1/tcp/5'] }]);
  });
});
