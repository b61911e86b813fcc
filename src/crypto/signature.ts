import { backend } from '#crypto-backend';
import * as ed25519 from '@noble/ed25519';
import { sha512 } from '@noble/hashes/sha2.js';
import type { CryptoBackend } from './backends/backend.ts';

/** The order of the prime subgroup, 2²⁵² + 27742317777372353535851937790883648493, little-endian. */
const L = Uint8Array.of(
  ...[0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14],
  ...[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10],
);

ed25519.hashes.sha512 = sha512;

/**
 * Whether an Ed25519 signature (RFC 8032) is valid, under one strict rule on every platform and in every role.
 *
 * RFC 8032 section 5.1.7 leaves room: it allows the equation with or without the cofactor, and does not speak of points
 * of small or mixed order, so implementations disagree on made-up signatures ("Taming the many EdDSAs", Chalkias,
 * Garillot, Nikolaenko, 2020). Two verifiers of one log must not. A signature is accepted if and only if
 *
 *   1. the key has 32 bytes, the signature 64: R || S;
 *   2. the key A is canonical (y < p, no sign on x = 0), on the curve, and of order exactly L: not small, not mixed;
 *   3. S < L, read little-endian (5.1.7 step 1);
 *   4. R is not the identity;
 *   5. [S]B − [k]A, encoded, equals R byte for byte, with k = SHA-512(R || A || M) mod L: no cofactor.
 *
 * By 2 the left side of 5 has order L or 1, and what is encoded is canonical. So 5 refuses each R that is not canonical
 * or carries torsion, and leaves of the small-order points only the identity, hence 4. Honest signers pass it all.
 */
export function verify(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  return strictVerify(backend, signature, message, publicKey);
}

/** Points 1 and 2 of the rule, for a key alone: check once, when it enters the roll or a session. */
export function isAcceptableKey(publicKey: Uint8Array): boolean {
  return backend.isPrimeOrderPoint(publicKey);
}

/** `verify` for a key of which the caller has seen `isAcceptableKey` hold; on other keys the answer means nothing. */
export function verifyWithAcceptableKey(
  signature: Uint8Array,
  message: Uint8Array,
  publicKey: Uint8Array,
): boolean {
  return strictVerifyWithAcceptableKey(backend, signature, message, publicKey);
}

/** `verify` on a given backend: tests compare them. */
export function strictVerify(
  on: CryptoBackend,
  signature: Uint8Array,
  message: Uint8Array,
  publicKey: Uint8Array,
): boolean {
  if (!on.isPrimeOrderPoint(publicKey)) return false;
  return strictVerifyWithAcceptableKey(on, signature, message, publicKey);
}

function strictVerifyWithAcceptableKey(
  on: CryptoBackend,
  signature: Uint8Array,
  message: Uint8Array,
  publicKey: Uint8Array,
): boolean {
  if (signature.length !== 64) return false;
  if (!hasReducedScalar(signature) || beginsWithIdentity(signature)) return false;
  return on.satisfiesEquation(signature, message, publicKey);
}

function hasReducedScalar(signature: Uint8Array): boolean {
  for (let i = 31; i >= 0; i--) {
    const difference = (signature[32 + i] as number) - (L[i] as number);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

/** The identity (0, 1) encodes as 1, little-endian. */
function beginsWithIdentity(signature: Uint8Array): boolean {
  if (signature[0] !== 1) return false;
  for (let i = 1; i < 32; i++) if (signature[i] !== 0) return false;
  return true;
}

/**
 * Deterministic Ed25519 signature (RFC 8032 section 5.1.6), 64 bytes. The secret scalar meets only the library's
 * constant-time functions. Throws if the seed has not 32 bytes.
 */
export function sign(message: Uint8Array, seed: Uint8Array): Uint8Array {
  return backend.sign(message, seed);
}

/** The public key (RFC 8032 section 5.1.5) of a 32-byte seed. Throws if it has not 32 bytes. */
export function publicKeyOf(seed: Uint8Array): Uint8Array {
  return ed25519.getPublicKey(seed);
}
