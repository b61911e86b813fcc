/** Reads LevelDB's numbers (LEB128) and length-prefixed text, one after another. */
export class Fields {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** Whether more was read than there is. */
  get overrun(): boolean {
    return this.#at > this.#bytes.length;
  }

  number(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) return value;
      value += (byte % 128) * scale;
      if (byte < 128) return value;
    }
  }

  skip(length: number): void {
    this.#at += length;
  }

  skipText(): void {
    this.skip(this.number());
  }
}
