import { ed25519 } from '@noble/curves/ed25519.js';
import { argon2id } from '@noble/hashes/argon2.js';
import { sha256, sha512 } from '@noble/hashes/sha2.js';
import { equalBytes } from '../../base/bytes.ts';
import type { CryptoBackend } from './backend.ts';

const { Point } = ed25519;

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
};

function littleEndian(bytes: Uint8Array): bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i] as number);
  return value;
}
