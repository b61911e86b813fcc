import { group, scalarFromBigInt } from '../../crypto/group/group.ts';
import { EMPTY, addCiphertexts, subtractCiphertexts } from './elgamal.ts';
import type { Ciphertext, Election, EncryptedTally } from './messages.ts';

/** Adds ballots up under encryption (4.18): each cell of each question by itself, times the ballot's weight. */
export class TallySum {
  readonly #cells: Ciphertext[][];

  constructor({ questions }: Pick<Election, 'questions'>) {
    this.#cells = questions.map(({ answers, blank }) =>
      Array.from({ length: answers.length + (blank === true ? 1 : 0) }, () => EMPTY),
    );
  }

  /** Adds the ciphertexts of one ballot, per question; the ballot was verified. Throws RangeError for another shape. */
  add(choices: readonly (readonly Ciphertext[])[], weight: bigint): void {
    this.#change(choices, weight, addCiphertexts);
  }

  /** Takes out a ballot that was added with this weight, because its voter has cast another one since. */
  remove(choices: readonly (readonly Ciphertext[])[], weight: bigint): void {
    this.#change(choices, weight, subtractCiphertexts);
  }

  value(): EncryptedTally {
    return this.#cells.map((row) => [...row]);
  }

  #change(
    choices: readonly (readonly Ciphertext[])[],
    weight: bigint,
    change: (sum: Ciphertext, own: Ciphertext) => Ciphertext,
  ): void {
    if (
      choices.length !== this.#cells.length ||
      choices.some((own, at) => own.length !== this.#cells[at]?.length)
    )
      throw new RangeError('a ballot that does not fit the questions');
    for (const [question, row] of this.#cells.entries()) {
      for (const [cell, sum] of row.entries()) {
        row[cell] = change(sum, weighted(choices[question]?.[cell] ?? EMPTY, weight));
      }
    }
  }
}

/** A product of a point costs as much as seven sums. */
const WORTH_A_PRODUCT = 7;

function weighted(ciphertext: Ciphertext, weight: bigint): Ciphertext {
  if (weight > 0n) {
    const [, ...bits] = weight.toString(2);
    if (bits.length + bits.filter((bit) => bit === '1').length < WORTH_A_PRODUCT) {
      return bits.reduce((sum, bit) => {
        const doubled = addCiphertexts(sum, sum);
        return bit === '1' ? addCiphertexts(doubled, ciphertext) : doubled;
      }, ciphertext);
    }
  }
  const scalar = scalarFromBigInt(weight);
  return { alpha: group.multiply(scalar, ciphertext.alpha), beta: group.multiply(scalar, ciphertext.beta) };
}
