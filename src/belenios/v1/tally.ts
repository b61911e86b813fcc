import { type Point, group, scalarFromBigInt } from '../../crypto/group/group.ts';
import { EMPTY, addCiphertexts } from './elgamal.ts';
import type { Ciphertext, Election, EncryptedTally } from './messages.ts';

/** Adds ballots up under encryption (4.18): each cell of each question by itself, times the ballot's weight. */
export class TallySum {
  readonly #cells: Ciphertext[][];

  constructor({ questions }: Pick<Election, 'questions'>) {
    this.#cells = questions.map(({ answers, blank }) =>
      Array.from({ length: answers.length + (blank === true ? 1 : 0) }, () => EMPTY),
    );
  }

  /** Adds the ciphertexts of one ballot, per question; the ballot was verified. */
  add(choices: readonly (readonly Ciphertext[])[], weight: bigint): void {
    for (const [question, row] of this.#cells.entries()) {
      for (const [cell, sum] of row.entries()) {
        const ciphertext = choices[question]?.[cell];
        if (ciphertext === undefined) throw new RangeError('a ballot that does not fit the questions');
        row[cell] = addCiphertexts(sum, weighted(ciphertext, weight));
      }
    }
  }

  value(): EncryptedTally {
    return this.#cells.map((row) => [...row]);
  }
}

function weighted({ alpha, beta }: Ciphertext, weight: bigint): Ciphertext {
  if (weight === 1n) return { alpha, beta };
  const scalar = scalarFromBigInt(weight);
  const times = (point: Point) => group.multiply(scalar, point);
  return { alpha: times(alpha), beta: times(beta) };
}
