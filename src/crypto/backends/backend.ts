/** What one platform provides; `#crypto-backend` (package.json `imports`) names the one in use. */
export interface CryptoBackend {
  readonly name: 'sodium' | 'noble';

  /** SHA-256 (FIPS 180-4) of the parts one after another; 32 fresh bytes. */
  sha256(parts: readonly Uint8Array[]): Uint8Array;

  /**
   * The equation of RFC 8032 section 5.1.7 without cofactor: whether [S]B − [k]A, encoded, equals R byte for byte.
   * Means something only for 64 bytes with S < L, R not the identity, and a key that `isPrimeOrderPoint` accepts:
   * backends differ on the rest. Call it through signature.ts.
   */
  satisfiesEquation(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean;

  /** The deterministic signature of RFC 8032 section 5.1.6, 64 bytes. Throws RangeError if the seed has not 32 bytes. */
  sign(message: Uint8Array, seed: Uint8Array): Uint8Array;

  /** Whether these are 32 bytes, the canonical encoding (RFC 8032 section 5.1.3) of a point of order exactly L. */
  isPrimeOrderPoint(bytes: Uint8Array): boolean;

  /**
   * Argon2id version 1.3 (RFC 9106), one lane, no secret, no associated data: 32 bytes from a 16-byte salt. `ops` are
   * passes; `mem` is in bytes, a multiple of 1024.
   */
  argon2id(
    password: Uint8Array,
    salt: Uint8Array,
    cost: { readonly ops: number; readonly mem: number },
  ): Uint8Array;

  /**
   * Scalar multiplication in edwards25519's prime-order subgroup: the encoding of `scalar` times `point`. The scalar is
   * reduced and not zero, the point an encoding that `isPrimeOrderPoint` accepts; backends differ on the rest. Call this and what
   * follows through group.ts.
   */
  multiply(scalar: Uint8Array, point: Uint8Array): Uint8Array;

  /**
   * As `multiply`, for any 32 bytes as the point: undefined unless `isPrimeOrderPoint` accepts them. Where a product is wanted
   * anyway, that costs less than asking first.
   */
  multiplyIfPrimeOrder(scalar: Uint8Array, bytes: Uint8Array): Uint8Array | undefined;

  /** `scalar`, reduced and not zero, times the base point. */
  multiplyBase(scalar: Uint8Array): Uint8Array;

  /** Sum and difference of two elements of the group, the neutral one included. */
  addPoints(a: Uint8Array, b: Uint8Array): Uint8Array;
  subtractPoints(a: Uint8Array, b: Uint8Array): Uint8Array;

  /** 64 bytes, little-endian, modulo the group's order. */
  reduceScalar(wide: Uint8Array): Uint8Array;

  /** Sum, difference and product of reduced scalars. */
  addScalars(a: Uint8Array, b: Uint8Array): Uint8Array;
  subtractScalars(a: Uint8Array, b: Uint8Array): Uint8Array;
  multiplyScalars(a: Uint8Array, b: Uint8Array): Uint8Array;

  /**
   * AES-256 in CCM mode (NIST SP 800-38C) with a nonce of 13 bytes, no associated data and a tag of 8 bytes, which follows the
   * ciphertext. Throws RangeError for more than 65,535 bytes, whose number such a nonce leaves no room for.
   */
  encryptAesCcm(key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array): Uint8Array;

  /** What `encryptAesCcm` encrypted; undefined when the tag is not that of this key, nonce and ciphertext. */
  decryptAesCcm(key: Uint8Array, nonce: Uint8Array, ciphertext: Uint8Array): Uint8Array | undefined;

  /**
   * Decrypts AES-256 in GCM mode (NIST SP 800-38D) with a nonce of 8 bytes or more, no associated data and a tag of 16 bytes after the
   * ciphertext; undefined when the tag is not that of this key, nonce and ciphertext.
   */
  decryptAesGcm(key: Uint8Array, nonce: Uint8Array, ciphertext: Uint8Array): Uint8Array | undefined;
}
