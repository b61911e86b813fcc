import { encodeEncryptedTally } from '../belenios/v1/encoding/tally.ts';
import type { Ciphertext, Election } from '../belenios/v1/messages.ts';
import { TallySum } from '../belenios/v1/tally.ts';
import type { Point } from '../crypto/group/group.ts';

const POINT_BYTES = 32;
/** Votes kept together: growing by whole segments copies nothing, so it has no peak. */
const SEGMENT = 1 << 12;

/**
 * The sum of a sealed round's ballots as they come, each replaced by its voter's next. Of every voter who cast one it keeps the
 * ciphertexts, 64 bytes a cell, since they must be taken out again when another ballot replaces them.
 */
export class SealedSum {
  readonly #sum: TallySum;
  /** Cells of each question. */
  readonly #widths: readonly number[];
  readonly #bytes: number;
  readonly #segments: Uint8Array[] = [];
  #size = 0;

  constructor(election: Election) {
    this.#sum = new TallySum(election);
    this.#widths = election.questions.map(({ answers, blank }) => answers.length + (blank === true ? 1 : 0));
    this.#bytes = this.#widths.reduce((sum, width) => sum + width, 0) * 2 * POINT_BYTES;
  }

  /** Adds the first vote of a voter; gives the number under which `replace` knows it. */
  add(cells: Uint8Array, weight: number): number {
    const number = this.#size++;
    if (number % SEGMENT === 0) this.#segments.push(new Uint8Array(SEGMENT * this.#bytes));
    this.#sum.add(this.#ciphertexts(cells), BigInt(weight));
    this.#place(number).set(cells);
    return number;
  }

  /** Puts a vote in the place of the voter's one before. */
  replace(number: number, cells: Uint8Array, weight: number): void {
    const place = this.#place(number);
    this.#sum.remove(this.#ciphertexts(place), BigInt(weight));
    this.#sum.add(this.#ciphertexts(cells), BigInt(weight));
    place.set(cells);
  }

  /** The encrypted tally's one text (4.18). */
  text(): string {
    return encodeEncryptedTally(this.#sum.value());
  }

  #place(number: number): Uint8Array {
    const from = (number % SEGMENT) * this.#bytes;
    return (this.#segments[Math.floor(number / SEGMENT)] as Uint8Array).subarray(from, from + this.#bytes);
  }

  /** The bytes are those of points that were verified with their ballot. */
  #ciphertexts(cells: Uint8Array): Ciphertext[][] {
    let at = 0;
    const point = () => cells.subarray(at, (at += POINT_BYTES)) as Point;
    return this.#widths.map((width) =>
      Array.from({ length: width }, () => ({ alpha: point(), beta: point() })),
    );
  }
}
