import type { VoterStanding } from '../election/rules.ts';
import { KeyTable } from './key-table.ts';

/** Voters whose fields are kept together: growing by whole segments copies nothing, so it has no peak. */
const SEGMENT = 1 << 15;

interface Segment {
  readonly weights: Uint32Array;
  readonly rounds: Uint32Array;
  readonly numbers: Uint32Array;
  readonly votes: Uint32Array;
}

/**
 * What an auditor remembers of each voter, in typed arrays: 48 bytes a voter and 8 to 16 of hash slots, so that a roll of
 * a million takes about 60 MB.
 */
export class VoterTable {
  readonly #keys: KeyTable;
  readonly #segments: Segment[] = [];

  /** `random` are the words that `KeyTable` hashes with. */
  constructor(random?: Uint32Array) {
    this.#keys = new KeyTable(random);
  }

  get size(): number {
    return this.#keys.size;
  }

  /** Adds a voter; false when the key is there already, and then nothing changes. */
  add(key: Uint8Array, weight: number): boolean {
    const voter = this.#keys.size;
    if (!this.#keys.add(key)) return false;
    if (voter % SEGMENT === 0) this.#segments.push(newSegment());
    this.#segment(voter).weights[voter % SEGMENT] = weight;
    return true;
  }

  /** Gives a voter another key, in the place of the one before; false when the table has it already, and then nothing changes. */
  enrol(voter: number, key: Uint8Array): boolean {
    return this.#keys.replace(voter, key);
  }

  /** The voter whose key stands in `bytes` at `offset`; -1 when the roll has none such. */
  find(bytes: Uint8Array, offset = 0): number {
    return this.#keys.find(bytes, offset);
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
}

function newSegment(): Segment {
  return {
    weights: new Uint32Array(SEGMENT),
    rounds: new Uint32Array(SEGMENT),
    numbers: new Uint32Array(SEGMENT),
    votes: new Uint32Array(SEGMENT),
  };
}
