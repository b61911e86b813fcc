import { base58btc } from 'multiformats/bases/base58';
import { concatBytes } from '../base/bytes.ts';

/**
 * What stands before the 32 bytes of an Ed25519 public key in its libp2p peer id: an identity multihash (0x00) of 36 bytes, which are
 * a protobuf of key type 1 and the key (libp2p specifications, peer-ids).
 */
const PREFIX = Uint8Array.of(0x00, 0x24, 0x08, 0x01, 0x12, 0x20);
const KEY_BYTES = 32;

/** The libp2p peer id, as text, of an Ed25519 public key. Throws RangeError for other than 32 bytes. */
export function peerIdText(publicKey: Uint8Array): string {
  if (publicKey.length !== KEY_BYTES)
    throw new RangeError(`a public key has ${KEY_BYTES} bytes, not ${publicKey.length}`);
  return base58btc.baseEncode(concatBytes(PREFIX, publicKey));
}
