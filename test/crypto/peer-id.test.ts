import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { publicKeyFromRaw } from '@libp2p/crypto/keys';
import { peerIdFromPublicKey, peerIdFromString } from '@libp2p/peer-id';
import fc from 'fast-check';
import { toHex } from '#src/base/bytes.js';
import { peerIdText } from '#src/crypto/peer-id.js';
import { keyPairOf, publicKeyOfPeer } from '#src/net/identity.js';
import { testKey } from '../support/test-keys.js';

const keys = fc.uint8Array({ minLength: 32, maxLength: 32 });

describe('the peer id of a key', () => {
  it('is the one that libp2p gives it', () => {
    fc.assert(
      fc.property(keys, (key) => {
        assert.equal(peerIdText(key), peerIdFromPublicKey(publicKeyFromRaw(key)).toString());
      }),
      { numRuns: 1000 },
    );
    for (let byte = 0; byte < 256; byte++) {
      const key = new Uint8Array(32).fill(byte);
      assert.equal(peerIdText(key), peerIdFromPublicKey(publicKeyFromRaw(key)).toString());
    }
  });

  it('is the one of the key pair that a node has', async () => {
    for (let byte = 1; byte <= 20; byte++) {
      const { seed, publicKey } = testKey(byte);
      const pair = await keyPairOf(seed);
      assert.equal(peerIdText(publicKey), peerIdFromPublicKey(pair.publicKey).toString());
    }
  });

  it('says which key it is', () => {
    fc.assert(
      fc.property(keys, (key) => {
        const id = peerIdText(key);
        assert.match(id, /^12D3KooW[1-9A-HJ-NP-Za-km-z]{44}$/);
        assert.equal(toHex(peerIdFromString(id).publicKey?.raw ?? new Uint8Array()), toHex(key));
        assert.equal(toHex(publicKeyOfPeer(id)), toHex(key));
      }),
      { numRuns: 300 },
    );
  });

  it('is given to keys of 32 bytes only: libp2p takes others for keys of other kinds', () => {
    for (const length of [0, 31, 33, 64]) {
      assert.throws(() => peerIdText(new Uint8Array(length)), RangeError);
    }
  });
});
