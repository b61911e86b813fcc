import { cbc, ctr, gcm } from '@noble/ciphers/aes.js';
import { ed25519 } from '@noble/curves/ed25519.js';
import * as signing from '@noble/ed25519';
import { argon2id } from '@noble/hashes/argon2.js';
import { sha256, sha512 } from '@noble/hashes/sha2.js';
import { concatBytes, equalBytes } from '../../base/bytes.ts';
import type { CryptoBackend } from './backend.ts';
import { CCM_MOST_BYTES, CCM_NONCE_BYTES, CCM_TAG_BYTES, checkCcmLength } from './ccm.ts';

const { Point } = ed25519;
signing.hashes.sha512 = sha512;

/**
 * Portable JavaScript: for browsers, and the oracle that the native path is tested against. Its arithmetic is JavaScript's big
 * integers, whose time depends on their values: not constant-time, whatever the algorithm above them.
 */
export const backend: CryptoBackend = {
  name: 'noble',

  sha256(parts) {
    const state = sha256.create();
    for (const part of parts) state.update(part);
    return state.digest();
  },

  // `ed25519.verify` of the library multiplies by the cofactor, which accepts an R that carries torsion.
  satisfiesEquation(signature, message, publicKey) {
    const encodedR = signature.subarray(0, 32);
    const s = littleEndian(signature.subarray(32));
    const digest = sha512.create().update(encodedR).update(publicKey).update(message).digest();
    const k = Point.Fn.create(littleEndian(digest));
    // The variable-time products are safe: everything in a verification is public.
    const kA = Point.fromBytes(publicKey).multiplyUnsafe(k);
    const recovered = Point.BASE.multiplyUnsafe(s).subtract(kA);
    return equalBytes(recovered.toBytes(), encodedR);
  },

  sign(message, seed) {
    if (seed.length !== 32) throw new RangeError(`a seed has 32 bytes, not ${seed.length}`);
    return signing.sign(message, seed);
  },

  isPrimeOrderPoint(bytes) {
    try {
      const point = Point.fromBytes(bytes);
      return !point.is0() && point.isTorsionFree();
    } catch {
      // Throwing is the library's only answer to bytes that encode no point: exactly what is asked here.
      return false;
    }
  },

  argon2id(password, salt, cost) {
    return argon2id(password, salt, { t: cost.ops, m: cost.mem / 1024, p: 1, dkLen: 32 });
  },

  multiply: (scalar, point) => Point.fromBytes(point).multiply(littleEndian(scalar)).toBytes(),
  multiplyIfPrimeOrder: (scalar, bytes) =>
    backend.isPrimeOrderPoint(bytes) ? backend.multiply(scalar, bytes) : undefined,
  multiplyBase: (scalar) => Point.BASE.multiply(littleEndian(scalar)).toBytes(),
  addPoints: (a, b) => Point.fromBytes(a).add(Point.fromBytes(b)).toBytes(),
  subtractPoints: (a, b) => Point.fromBytes(a).subtract(Point.fromBytes(b)).toBytes(),
  reduceScalar: (wide) => Point.Fn.toBytes(Point.Fn.create(littleEndian(wide))),
  addScalars: (a, b) => Point.Fn.toBytes(Point.Fn.add(littleEndian(a), littleEndian(b))),
  subtractScalars: (a, b) => Point.Fn.toBytes(Point.Fn.sub(littleEndian(a), littleEndian(b))),
  multiplyScalars: (a, b) => Point.Fn.toBytes(Point.Fn.mul(littleEndian(a), littleEndian(b))),

  encryptAesCcm(key, nonce, plaintext) {
    checkCcmLength(plaintext.length);
    const masked = ccmMask(key, nonce, concatBytes(ccmTag(key, nonce, plaintext), plaintext));
    return concatBytes(masked.subarray(BLOCK), masked.subarray(0, CCM_TAG_BYTES));
  },

  decryptAesCcm(key, nonce, ciphertext) {
    const end = ciphertext.length - CCM_TAG_BYTES;
    if (end < 0 || end > CCM_MOST_BYTES) return undefined;
    const tag = new Uint8Array(BLOCK);
    tag.set(ciphertext.subarray(end));
    const unmasked = ccmMask(key, nonce, concatBytes(tag, ciphertext.subarray(0, end)));
    const plaintext = unmasked.slice(BLOCK);
    const expected = ccmTag(key, nonce, plaintext).subarray(0, CCM_TAG_BYTES);
    return equalBytes(expected, unmasked.subarray(0, CCM_TAG_BYTES)) ? plaintext : undefined;
  },

  decryptAesGcm(key, nonce, ciphertext) {
    try {
      return gcm(key, nonce).decrypt(ciphertext);
    } catch {
      // Throwing is the library's only answer to a tag that is not right, and to bytes that are too few to have one.
      return undefined;
    }
  },
};

const BLOCK = 16;

/**
 * The library has no CCM, but its two halves: here the tag before it is masked, the last block of a CBC encryption of the formatted
 * input (SP 800-38C, section 6.2 and appendix A.2).
 */
function ccmTag(key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const blocks = new Uint8Array(BLOCK * (1 + Math.ceil(plaintext.length / BLOCK)));
  blocks[0] = 8 * ((CCM_TAG_BYTES - 2) / 2) + (BLOCK - 2 - CCM_NONCE_BYTES);
  blocks.set(nonce, 1);
  new DataView(blocks.buffer).setUint16(1 + CCM_NONCE_BYTES, plaintext.length);
  blocks.set(plaintext, BLOCK);
  return cbc(key, new Uint8Array(BLOCK), { disablePadding: true }).encrypt(blocks).slice(-BLOCK);
}

/** Adds the key stream, whose first block masks the tag (SP 800-38C, appendix A.3). */
function ccmMask(key: Uint8Array, nonce: Uint8Array, input: Uint8Array): Uint8Array {
  const counter = new Uint8Array(BLOCK);
  counter[0] = BLOCK - 2 - CCM_NONCE_BYTES;
  counter.set(nonce, 1);
  return ctr(key, counter).encrypt(input);
}

function littleEndian(bytes: Uint8Array): bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i] as number);
  return value;
}
