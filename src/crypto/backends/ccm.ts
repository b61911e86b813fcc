/** Of AES-CCM with a nonce of 13 bytes (NIST SP 800-38C): what both backends have to agree on. */
export const CCM_NONCE_BYTES = 13;
export const CCM_TAG_BYTES = 8;
/** Two bytes of a block are left for the length. */
export const CCM_MOST_BYTES = 65_535;

/** Throws RangeError for a plaintext that the mode can't take. */
export function checkCcmLength(length: number): void {
  if (length > CCM_MOST_BYTES)
    throw new RangeError(`${length} bytes, more than the ${CCM_MOST_BYTES} that AES-CCM takes here`);
}
