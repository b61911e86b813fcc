import { UINT } from './cbor-head.ts';

const NOTHING = new Uint8Array();

/**
 * Reads canonical DAG-CBOR whose shape is known, in one pass and without making values of it. Once something was not as
 * expected it has failed for good, gives zeros, and never ends.
 */
export class CborCursor {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Whether all was as expected and nothing is left over. */
  get ended(): boolean {
    return this.#at === this.#bytes.length;
  }

  fail(): number {
    this.#at = Infinity;
    return 0;
  }

  /** Whether `expected` comes next; it is passed over if so, else nothing changes. */
  skip(expected: Uint8Array): boolean {
    const at = this.#at;
    for (let i = 0; i < expected.length; i++) if (this.#bytes[at + i] !== expected[i]) return false;
    this.#at = at + expected.length;
    return true;
  }

  /** The next bytes as a view: a plain one, since a Buffer's `slice` shares memory where a Uint8Array's copies. */
  take(length: number): Uint8Array {
    const from = this.#at;
    if (length > this.#bytes.length - from) {
      this.fail();
      return NOTHING;
    }
    this.#at = from + length;
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + from, length);
  }

  uint(max: number): number {
    return this.length(UINT, max);
  }

  /** The argument of a head of the major type, in its shortest form as DAG-CBOR demands, and at most `max`. */
  length(major: number, max: number): number {
    const head = this.#bytes[this.#at];
    if (head === undefined || head >> 5 !== major) return this.fail();
    const info = head & 31;
    const width = info < 24 ? 0 : 2 ** (info - 24);
    if (width > 8) return this.fail();
    let value = width === 0 ? info : 0;
    for (let i = 1; i <= width; i++) value = value * 256 + (this.#bytes[this.#at + i] ?? NaN);
    const least = width === 0 ? 0 : width === 1 ? 24 : 256 ** (width / 2);
    if (!(value >= least && value <= max)) return this.fail();
    this.#at += 1 + width;
    return value;
  }
}
