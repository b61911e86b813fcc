/** Crockford's alphabet for people to read and type: no I, L, O or U. */
export const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
/** RFC 4648 section 6, in lower case. */
export const RFC4648 = 'abcdefghijklmnopqrstuvwxyz234567';

/** The first `count` 5-bit groups of the bytes, most significant bit first, as symbols of the alphabet. */
export function base32(bytes: Uint8Array, count: number, alphabet: string): string {
  if (bytes.length * 8 < count * 5)
    throw new RangeError(`${bytes.length} bytes are too few for ${count} symbols`);
  let text = '';
  for (let bit = 0; bit < count * 5; bit += 5) {
    const pair = ((bytes[bit >> 3] as number) << 8) | (bytes[(bit >> 3) + 1] ?? 0);
    text += alphabet.charAt((pair >> (11 - (bit & 7))) & 31);
  }
  return text;
}

/** Symbols in groups of four, joined by hyphens. */
export function inFours(symbols: string): string {
  return symbols.replace(/.{4}(?!$)/g, '$&-');
}
