import type { Choice } from '../election/choices.ts';

const BLANK = 0;
const END = 1;
const FIRST_ANSWER = 2;

export const packBlank = String.fromCharCode(BLANK);
export const packEnd = String.fromCharCode(END);
export const packAnswer = (answer: number) => String.fromCharCode(FIRST_ANSWER + answer);

/**
 * Choices as a short string, so that equal votes are equal strings, cross threads cheaply, and a million voters' votes
 * take one integer each. Per question: U+0000 for a blank vote, else one character 2 + answer per answer, then U+0001.
 */
export function packChoices(choices: readonly Choice[]): string {
  let packed = '';
  for (const choice of choices) {
    if (choice === null) {
      packed += packBlank;
    } else {
      for (const answer of choice) packed += packAnswer(answer);
      packed += packEnd;
    }
  }
  return packed;
}

/** Undoes `packChoices`. */
export function unpackChoices(packed: string): Choice[] {
  const choices: Choice[] = [];
  let answers: number[] = [];
  for (let i = 0; i < packed.length; i++) {
    const code = packed.charCodeAt(i);
    if (code === BLANK) choices.push(null);
    else if (code !== END) answers.push(code - FIRST_ANSWER);
    else {
      choices.push(answers);
      answers = [];
    }
  }
  return choices;
}

/** The votes that stand, each distinct one once: memory grows with the different votes, not with the ballots. */
export class VoteTable {
  readonly #ids = new Map<string, number>();
  readonly #votes: { readonly packed: string; readonly choices: readonly Choice[]; holders: number }[] = [];
  readonly #free: number[] = [];

  /** Takes note of one more holder of a vote, given in both forms, and gives its id. */
  hold(packed: string, choices: readonly Choice[]): number {
    const known = this.#ids.get(packed);
    if (known !== undefined) {
      (this.#votes[known] as { holders: number }).holders++;
      return known;
    }
    const id = this.#free.pop() ?? this.#votes.length;
    this.#votes[id] = { packed, choices, holders: 1 };
    this.#ids.set(packed, id);
    return id;
  }

  /** Lets one holder go and gives the choices that were held. */
  release(id: number): readonly Choice[] {
    const vote = this.#votes[id];
    if (vote === undefined || vote.holders === 0) throw new RangeError(`nobody holds vote ${id}`);
    vote.holders--;
    if (vote.holders === 0) {
      this.#ids.delete(vote.packed);
      this.#free.push(id);
    }
    return vote.choices;
  }

  /** Distinct votes held. */
  get size(): number {
    return this.#ids.size;
  }
}
