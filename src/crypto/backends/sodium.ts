import { type DecipherCCM, type DecipherGCM, createCipheriv, createDecipheriv, hash } from 'node:crypto';
import { createRequire } from 'node:module';
import { concatBytes } from '../../base/bytes.ts';
import type { CryptoBackend } from './backend.ts';
import { CCM_TAG_BYTES, checkCcmLength } from './ccm.ts';

/** What is used of sodium-native, whose published types ask for Buffers although it takes any view. */
interface Native {
  readonly crypto_pwhash_ALG_ARGON2ID13: number;
  crypto_hash_sha256(output: Uint8Array, input: Uint8Array): void;
  crypto_sign_seed_keypair(publicKey: Uint8Array, secretKey: Uint8Array, seed: Uint8Array): void;
  crypto_sign_detached(signature: Uint8Array, message: Uint8Array, secretKey: Uint8Array): void;
  crypto_sign_verify_detached(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean;
  crypto_core_ed25519_is_valid_point(point: Uint8Array): boolean;
  crypto_pwhash(
    output: Uint8Array,
    password: Uint8Array,
    salt: Uint8Array,
    ops: number,
    mem: number,
    algorithm: number,
  ): void;
  crypto_scalarmult_ed25519_noclamp(output: Uint8Array, scalar: Uint8Array, point: Uint8Array): void;
  crypto_scalarmult_ed25519_base_noclamp(output: Uint8Array, scalar: Uint8Array): void;
  crypto_core_ed25519_add(output: Uint8Array, a: Uint8Array, b: Uint8Array): void;
  crypto_core_ed25519_sub(output: Uint8Array, a: Uint8Array, b: Uint8Array): void;
  crypto_core_ed25519_scalar_reduce(output: Uint8Array, wide: Uint8Array): void;
  crypto_core_ed25519_scalar_add(output: Uint8Array, a: Uint8Array, b: Uint8Array): void;
  crypto_core_ed25519_scalar_sub(output: Uint8Array, a: Uint8Array, b: Uint8Array): void;
}
// Not by `import`: of a CommonJS module Node then searches the source for names to export, which for this one takes 20 ms of each
// program and thread.
const native = createRequire(import.meta.url)('sodium-native') as Native;

/** Up to here libsodium's short call wins; above it OpenSSL's use of the processor's SHA instructions does. */
const SODIUM_HASH_MAX_BYTES = 192;
const POINT_BYTES = 32;
const SEED_BYTES = 32;
const REFUSED = 'status: -1';
const GCM_TAG_BYTES = 16;
const scratch = new Uint8Array(8192);
const digest = new Uint8Array(32);

/** libsodium 1.0.21, as bound by sodium-native; hashes of longer inputs, and AES in modes that libsodium lacks, by OpenSSL. */
export const backend: CryptoBackend = {
  name: 'sodium',

  sha256(parts) {
    const input = joined(parts);
    if (input.length > SODIUM_HASH_MAX_BYTES) return new Uint8Array(hash('sha256', input, 'buffer'));
    native.crypto_hash_sha256(digest, input);
    return digest.slice();
  },

  satisfiesEquation(signature, message, publicKey) {
    return native.crypto_sign_verify_detached(signature, message, publicKey);
  },

  sign(message, seed) {
    if (seed.length !== SEED_BYTES)
      throw new RangeError(`a seed has ${SEED_BYTES} bytes, not ${seed.length}`);
    const publicKey = new Uint8Array(POINT_BYTES);
    const secretKey = new Uint8Array(2 * POINT_BYTES);
    const signature = new Uint8Array(2 * POINT_BYTES);
    native.crypto_sign_seed_keypair(publicKey, secretKey, seed);
    native.crypto_sign_detached(signature, message, secretKey);
    secretKey.fill(0);
    return signature;
  },

  // Before its commit ad3004e (version 1.0.21) libsodium let points P + (0, −1) pass here (CVE-2025-69277).
  isPrimeOrderPoint(bytes) {
    return bytes.length === 32 && native.crypto_core_ed25519_is_valid_point(bytes);
  },

  argon2id(password, salt, cost) {
    const output = new Uint8Array(32);
    native.crypto_pwhash(output, password, salt, cost.ops, cost.mem, native.crypto_pwhash_ALG_ARGON2ID13);
    return output;
  },

  multiply: (scalar, point) =>
    filled((output) => {
      native.crypto_scalarmult_ed25519_noclamp(output, scalar, point);
    }),
  // libsodium refuses, before it multiplies, what its check of points refuses: other spellings, what is not on the curve, small and
  // mixed order (crypto_scalarmult/ed25519 in its source). Of a reduced scalar above zero it refuses nothing else.
  multiplyIfPrimeOrder: (scalar, bytes) => {
    const output = new Uint8Array(POINT_BYTES);
    try {
      native.crypto_scalarmult_ed25519_noclamp(output, scalar, bytes);
      return output;
    } catch (error) {
      // The binding's only word for a refusal is an error; for operands of a wrong size it has another.
      if (error instanceof Error && error.message === REFUSED) return undefined;
      throw error;
    }
  },
  multiplyBase: (scalar) =>
    filled((output) => {
      native.crypto_scalarmult_ed25519_base_noclamp(output, scalar);
    }),
  addPoints: (a, b) =>
    filled((output) => {
      native.crypto_core_ed25519_add(output, a, b);
    }),
  subtractPoints: (a, b) =>
    filled((output) => {
      native.crypto_core_ed25519_sub(output, a, b);
    }),
  reduceScalar: (wide) =>
    filled((output) => {
      native.crypto_core_ed25519_scalar_reduce(output, wide);
    }),
  addScalars: (a, b) =>
    filled((output) => {
      native.crypto_core_ed25519_scalar_add(output, a, b);
    }),
  subtractScalars: (a, b) =>
    filled((output) => {
      native.crypto_core_ed25519_scalar_sub(output, a, b);
    }),
  multiplyScalars: (a, b) =>
    filled((output) => {
      native.crypto_core_ed25519_scalar_reduce(output, product(a, b));
    }),

  encryptAesCcm(key, nonce, plaintext) {
    checkCcmLength(plaintext.length);
    const cipher = createCipheriv('aes-256-ccm', key, nonce, { authTagLength: CCM_TAG_BYTES });
    const body = cipher.update(plaintext);
    cipher.final();
    return concatBytes(body, cipher.getAuthTag());
  },

  decryptAesCcm(key, nonce, ciphertext) {
    const decipher = () => createDecipheriv('aes-256-ccm', key, nonce, { authTagLength: CCM_TAG_BYTES });
    return opened(decipher, CCM_TAG_BYTES, ciphertext);
  },

  decryptAesGcm(key, nonce, ciphertext) {
    const decipher = () => createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: GCM_TAG_BYTES });
    return opened(decipher, GCM_TAG_BYTES, ciphertext);
  },
};

function filled(fill: (output: Uint8Array) => void): Uint8Array {
  const output = new Uint8Array(POINT_BYTES);
  fill(output);
  return output;
}

const LIMBS = 16;

/**
 * The 64 bytes of a × b as plain numbers; the binding lacks libsodium's own product of scalars. Limbs of 16 bits make sums below
 * 2³⁷, exact in a double, and no branch or index depends on the numbers' values.
 */
function product(a: Uint8Array, b: Uint8Array): Uint8Array {
  const columns = new Float64Array(2 * LIMBS);
  const limb = (bytes: Uint8Array, i: number) =>
    (bytes[2 * i] as number) + (bytes[2 * i + 1] as number) * 256;
  for (let i = 0; i < LIMBS; i++) {
    const left = limb(a, i);
    for (let j = 0; j < LIMBS; j++) columns[i + j] = (columns[i + j] as number) + left * limb(b, j);
  }
  const bytes = new Uint8Array(4 * LIMBS);
  let carry = 0;
  for (let i = 0; i < 2 * LIMBS; i++) {
    const value = (columns[i] as number) + carry;
    carry = Math.floor(value / 65_536);
    const low = value - carry * 65_536;
    bytes[2 * i] = low & 0xff;
    bytes[2 * i + 1] = low >> 8;
  }
  return bytes;
}

/** The parts as one view; of several short ones a view of `scratch`, valid until the next call. */
function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [first] = parts;
  if (first !== undefined && parts.length === 1) return first;
  let length = 0;
  for (const part of parts) length += part.length;
  const target = length <= scratch.length ? scratch.subarray(0, length) : new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    target.set(part, offset);
    offset += part.length;
  }
  return target;
}

function opened(
  decipher: () => DecipherCCM | DecipherGCM,
  tagBytes: number,
  ciphertext: Uint8Array,
): Uint8Array | undefined {
  const end = ciphertext.length - tagBytes;
  if (end < 0) return undefined;
  const state = decipher().setAuthTag(ciphertext.subarray(end));
  try {
    const body = state.update(ciphertext.subarray(0, end));
    state.final();
    return new Uint8Array(body);
  } catch {
    // Throwing is OpenSSL's only answer to a tag that is not right: exactly what is asked here.
    return undefined;
  }
}
