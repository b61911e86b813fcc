/** Byte helpers shared by every layer. Hex is lower case; base64 is RFC 4648 section 4 with padding. */
import { hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';

export { bytesToHex as toHex, concatBytes, utf8ToBytes } from '@noble/hashes/utils.js';

const HEX = /^(?:[0-9a-f]{2})*$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Decodes lower-case hex; `undefined` for anything else, so that one value has one spelling. */
export function fromHex(text: string): Uint8Array | undefined {
  return HEX.test(text) ? hexToBytes(text) : undefined;
}

const ALPHABET = utf8ToBytes('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/');
const PAD = 61;
const ascii = new TextDecoder('ascii');

/** By table: a receipt has a dozen short hashes, for each of which `btoa` takes three times as long. */
export function toBase64(bytes: Uint8Array): string {
  const text = new Uint8Array(Math.ceil(bytes.length / 3) * 4).fill(PAD);
  const symbol = (bits: number) => ALPHABET[bits & 63] as number;
  let to = 0;
  for (let at = 0; at < bytes.length; at += 3) {
    const first = bytes[at] as number;
    const second = bytes[at + 1];
    const third = bytes[at + 2];
    text[to++] = symbol(first >> 2);
    text[to++] = symbol((first << 4) | ((second ?? 0) >> 4));
    if (second !== undefined) text[to] = symbol((second << 2) | ((third ?? 0) >> 6));
    to++;
    if (third !== undefined) text[to] = symbol(third);
    to++;
  }
  return ascii.decode(text);
}

/** Decodes canonical padded base64; `undefined` for other alphabets, missing padding or stray final bits. */
export function fromBase64(text: string): Uint8Array | undefined {
  if (!BASE64.test(text)) return undefined;
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  return toBase64(bytes) === text ? bytes : undefined;
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Lexicographic order on unsigned bytes: the only order used under a hash (never the locale's). */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
