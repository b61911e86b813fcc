import type { VoterStanding } from '../election/rules.ts';

const KEY_BYTES = 32;
const KEY_WORDS = KEY_BYTES / 4;
/** Voters whose fields are kept together: growing by whole segments copies nothing, so it has no peak. */
const SEGMENT = 1 << 15;
const MIN_SLOTS = 1 << 10;

interface Segment {
  readonly keys: Uint8Array;
  readonly weights: Uint32Array;
  readonly rounds: Uint32Array;
  readonly numbers: Uint32Array;
  readonly votes: Uint32Array;
}

/**
 * What an auditor remembers of each voter, in typed arrays: 48 bytes a voter and 8 to 16 of hash slots, so that a roll of
 * a million takes about 60 MB. Open addressing with linear probing, at most half full.
 *
 * Keys are hashed with random odd multipliers: whoever made the roll can't choose keys that all meet in one slot.
 */
export class VoterTable {
  readonly #multipliers: Uint32Array;
  readonly #segments: Segment[] = [];
  /** Voter + 1 per slot; 0 is empty. */
  #slots = new Uint32Array(MIN_SLOTS);
  #size = 0;

  constructor(random: Uint32Array = globalThis.crypto.getRandomValues(new Uint32Array(KEY_WORDS))) {
    this.#multipliers = random.map((word) => word | 1);
  }

  get size(): number {
    return this.#size;
  }

  /** Adds a voter; false when the key is there already, and then nothing changes. */
  add(key: Uint8Array, weight: number): boolean {
    if (key.length !== KEY_BYTES) throw new RangeError(`a key has ${KEY_BYTES} bytes, not ${key.length}`);
    if (2 * (this.#size + 1) > this.#slots.length) this.#grow();
    const slot = this.#slotOf(key, 0);
    if (this.#slots[slot] !== 0) return false;
    const voter = this.#size;
    if (voter % SEGMENT === 0) this.#segments.push(newSegment());
    const segment = this.#segment(voter);
    segment.keys.set(key, (voter % SEGMENT) * KEY_BYTES);
    segment.weights[voter % SEGMENT] = weight;
    this.#slots[slot] = voter + 1;
    this.#size++;
    return true;
  }

  /** The voter whose key stands in `bytes` at `offset`; -1 when the roll has none such. */
  find(bytes: Uint8Array, offset = 0): number {
    return (this.#slots[this.#slotOf(bytes, offset)] as number) - 1;
  }

  standing(voter: number): VoterStanding {
    const { weights, rounds, numbers } = this.#segment(voter);
    const at = voter % SEGMENT;
    return { weight: weights[at] as number, round: rounds[at] as number, number: numbers[at] as number };
  }

  /** What `record` was last given as `vote`. */
  vote(voter: number): number {
    return this.#segment(voter).votes[voter % SEGMENT] as number;
  }

  /** Notes the voter's latest ballot: its round, its number there, and a vote's id. */
  record(voter: number, round: number, number: number, vote: number): void {
    const { rounds, numbers, votes } = this.#segment(voter);
    const at = voter % SEGMENT;
    rounds[at] = round;
    numbers[at] = number;
    votes[at] = vote;
  }

  #segment(voter: number): Segment {
    return this.#segments[Math.floor(voter / SEGMENT)] as Segment;
  }

  /** Where the key is, or the empty slot where it belongs. */
  #slotOf(bytes: Uint8Array, offset: number): number {
    const mask = this.#slots.length - 1;
    let slot = this.#hash(bytes, offset) & mask;
    for (;;) {
      const voter = (this.#slots[slot] as number) - 1;
      if (voter === -1 || this.#hasKey(voter, bytes, offset)) return slot;
      slot = (slot + 1) & mask;
    }
  }

  #hasKey(voter: number, bytes: Uint8Array, offset: number): boolean {
    const { keys } = this.#segment(voter);
    const from = (voter % SEGMENT) * KEY_BYTES;
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
    for (let voter = 0; voter < this.#size; voter++) {
      const { keys } = this.#segment(voter);
      this.#slots[this.#slotOf(keys, (voter % SEGMENT) * KEY_BYTES)] = voter + 1;
    }
  }
}

function newSegment(): Segment {
  return {
    keys: new Uint8Array(SEGMENT * KEY_BYTES),
    weights: new Uint32Array(SEGMENT),
    rounds: new Uint32Array(SEGMENT),
    numbers: new Uint32Array(SEGMENT),
    votes: new Uint32Array(SEGMENT),
  };
}
