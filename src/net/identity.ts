import { generateKeyPairFromSeed } from '@libp2p/crypto/keys';
import type { Ed25519PrivateKey } from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import { unusable } from '../base/errors.ts';
import { peerIdText } from '../crypto/peer-id.ts';

/**
 * A node's libp2p identity is the key that signs its log, so a peer id in an address pins the election's authority.
 * An Ed25519 peer id holds the key itself (libp2p specs, peer-ids).
 */

/** The Ed25519 public key that a peer id stands for. Throws `bad-peer-id` for other text and other kinds of key. */
export function publicKeyOfPeer(peerId: string): Uint8Array {
  let key;
  try {
    key = peerIdFromString(peerId).publicKey;
  } catch (cause) {
    throw notAPeerId(peerId, cause);
  }
  if (key?.type !== 'Ed25519' || peerIdText(key.raw) !== peerId) throw notAPeerId(peerId);
  return key.raw;
}

function notAPeerId(text: string, cause?: unknown): Error {
  return unusable('bad-peer-id', `"${text}" is not the peer id of an Ed25519 key.`, {
    hint: 'It begins with 12D3KooW. Copy it again, in full, from where you got it.',
    cause,
  });
}

/** The libp2p key pair of a 32-byte Ed25519 seed (RFC 8032). */
export function keyPairOf(seed: Uint8Array): Promise<Ed25519PrivateKey> {
  return generateKeyPairFromSeed('Ed25519', seed);
}
