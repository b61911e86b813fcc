import { createPrivateKey, createPublicKey } from 'node:crypto';

export interface TestKey {
  readonly seed: Uint8Array;
  readonly publicKey: Uint8Array;
}

const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex');

/** An Ed25519 key pair (RFC 8032) made by node:crypto from 32 equal bytes. */
export function testKey(byte: number): TestKey {
  const seed = new Uint8Array(32).fill(byte);
  const key = createPrivateKey({ key: Buffer.concat([PKCS8_ED25519, seed]), format: 'der', type: 'pkcs8' });
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
  return { seed, publicKey: new Uint8Array(spki.subarray(-32)) };
}
