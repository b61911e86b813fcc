/**
 * Heads of DAG-CBOR items (RFC 8949 section 3): a major type and an argument in its shortest form, for the few messages
 * that are put together by their fixed shape.
 */
export const UINT = 0;
export const BYTES = 2;
export const TEXT = 3;
export const ARRAY = 4;

/** Bytes of the longest head. */
export const MAX_HEAD_BYTES = 9;

const TWO_32 = 2 ** 32;

/** Writes the head at `at`, and returns where it ends. `argument` is a safe integer, not negative. */
export function writeHead(target: Uint8Array, at: number, major: number, argument: number): number {
  const type = major << 5;
  if (argument < 24) {
    target[at] = type | argument;
    return at + 1;
  }
  const [info, width] =
    argument < 0x100 ? [24, 1] : argument < 0x1_0000 ? [25, 2] : argument < TWO_32 ? [26, 4] : [27, 8];
  target[at] = type | info;
  let rest = argument;
  for (let i = width; i > 0; i--) {
    target[at + i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  return at + 1 + width;
}

/** The encoding of a short ASCII text (below 24 characters), as a part of a fixed shape. */
export function textItem(value: string): readonly number[] {
  return [(TEXT << 5) | value.length, ...Array.from(value, (character) => character.charCodeAt(0))];
}
