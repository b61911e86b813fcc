const KEY_BYTES = 32;
const KEY_WORDS = KEY_BYTES / 4;
/** Keys kept together: growing by whole segments copies nothing, so it has no peak. */
const SEGMENT = 1 << 15;
const MIN_SLOTS = 1 << 10;

/**
 * Numbers keys of 32 bytes in the order in which they come, in 32 bytes a key and 8 to 16 of hash slots. Open addressing with
 * linear probing, at most half full.
 *
 * Keys are hashed with random odd multipliers: whoever made them can't choose keys that all meet in one slot.
 */
export class KeyTable {
  readonly #multipliers: Uint32Array;
  readonly #segments: Uint8Array[] = [];
  /** Key's number + 1 per slot; 0 is empty. */
  #slots = new Uint32Array(MIN_SLOTS);
  #size = 0;
  /** Slots that are taken: more than keys, once keys were replaced. */
  #used = 0;

  constructor(random: Uint32Array = globalThis.crypto.getRandomValues(new Uint32Array(KEY_WORDS))) {
    this.#multipliers = random.map((word) => word | 1);
  }

  get size(): number {
    return this.#size;
  }

  /** Adds a key under the next number; false when it is there already, and then nothing changes. */
  add(key: Uint8Array): boolean {
    if (key.length !== KEY_BYTES) throw new RangeError(`a key has ${KEY_BYTES} bytes, not ${key.length}`);
    if (2 * (this.#used + 1) > this.#slots.length) this.#grow();
    const slot = this.#slotOf(key, 0);
    if (this.#slots[slot] !== 0) return false;
    if (this.#size % SEGMENT === 0) this.#segments.push(new Uint8Array(SEGMENT * KEY_BYTES));
    this.#segment(this.#size).set(key, (this.#size % SEGMENT) * KEY_BYTES);
    this.#slots[slot] = ++this.#size;
    this.#used++;
    return true;
  }

  /**
   * Puts a key in the place of the one with this number; false when it is there already, and then nothing changes. The slot of the one
   * before stays taken, and leads to nothing.
   */
  replace(number: number, key: Uint8Array): boolean {
    if (2 * (this.#used + 1) > this.#slots.length) this.#grow();
    const slot = this.#slotOf(key, 0);
    if (this.#slots[slot] !== 0) return false;
    this.#segment(number).set(key, (number % SEGMENT) * KEY_BYTES);
    this.#slots[slot] = number + 1;
    this.#used++;
    return true;
  }

  /** The number of the key that stands in `bytes` at `offset`; -1 when there is none such. */
  find(bytes: Uint8Array, offset = 0): number {
    return (this.#slots[this.#slotOf(bytes, offset)] as number) - 1;
  }

  #segment(number: number): Uint8Array {
    return this.#segments[Math.floor(number / SEGMENT)] as Uint8Array;
  }

  /** Where the key is, or the empty slot where it belongs. */
  #slotOf(bytes: Uint8Array, offset: number): number {
    const mask = this.#slots.length - 1;
    let slot = this.#hash(bytes, offset) & mask;
    for (;;) {
      const number = (this.#slots[slot] as number) - 1;
      if (number === -1 || this.#isKey(number, bytes, offset)) return slot;
      slot = (slot + 1) & mask;
    }
  }

  #isKey(number: number, bytes: Uint8Array, offset: number): boolean {
    const keys = this.#segment(number);
    const from = (number % SEGMENT) * KEY_BYTES;
    for (let i = 0; i < KEY_BYTES; i++) if (keys[from + i] !== bytes[offset + i]) return false;
    return true;
  }

  /** Multilinear hashing with secret multipliers. Only the sum's upper bits mix well, so they are folded into the lower. */
  #hash(bytes: Uint8Array, offset: number): number {
    let sum = 0;
    for (let i = 0; i < KEY_WORDS; i++) {
      const at = offset + 4 * i;
      const word =
        (bytes[at] as number) |
        ((bytes[at + 1] as number) << 8) |
        ((bytes[at + 2] as number) << 16) |
        ((bytes[at + 3] as number) << 24);
      sum = (sum + Math.imul(word, this.#multipliers[i] as number)) | 0;
    }
    return (sum ^ (sum >>> 15)) >>> 0;
  }

  #grow(): void {
    this.#slots = new Uint32Array(this.#slots.length * 2);
    this.#used = this.#size;
    for (let number = 0; number < this.#size; number++)
      this.#slots[this.#slotOf(this.#segment(number), (number % SEGMENT) * KEY_BYTES)] = number + 1;
  }
}
