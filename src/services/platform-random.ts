/** `length` bytes of the platform's CSPRNG (Web Cryptography API, section 10.1.1). */
export function platformRandom(length: number): Uint8Array {
  return globalThis.crypto.getRandomValues(new Uint8Array(length));
}
