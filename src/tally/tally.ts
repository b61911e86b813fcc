import type { Choice } from '../election/choices.ts';
import type { Question, QuestionResult, Turnout } from '../election/entries.ts';
import { countMethod } from './count.ts';
import type { Counter, CountingMethod } from './method.ts';

const METHODS: Readonly<Record<Question['method'], CountingMethod>> = { count: countMethod };

export interface RoundResult {
  readonly turnout: Turnout;
  readonly questions: readonly QuestionResult[];
}

/** Counts a round: every accepted ballot goes in once, together with the one it replaces. */
export class RoundTally {
  readonly #roll: { readonly voters: number; readonly weight: number };
  readonly #counters: readonly Counter[];
  #voted = 0;
  #votedWeight = 0;
  #ballots = 0;

  constructor(questions: readonly Question[], roll: { readonly voters: number; readonly weight: number }) {
    this.#roll = roll;
    this.#counters = questions.map((question) => METHODS[question.method].counter(question));
  }

  /** Counts valid choices; `replaced` are those of the same voter's ballot before, if there was one. */
  add(choices: readonly Choice[], weight: number, replaced?: readonly Choice[]): void {
    this.#ballots++;
    if (replaced === undefined) {
      this.#voted++;
      this.#votedWeight += weight;
    }
    for (const [index, counter] of this.#counters.entries()) {
      if (replaced !== undefined) counter.remove(replaced[index] as Choice, weight);
      counter.add(choices[index] as Choice, weight);
    }
  }

  result(): RoundResult {
    return {
      turnout: {
        voters: this.#roll.voters,
        weight: this.#roll.weight,
        voted: this.#voted,
        votedWeight: this.#votedWeight,
        ballots: this.#ballots,
      },
      questions: this.#counters.map((counter) => counter.result()),
    };
  }
}
