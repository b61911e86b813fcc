import type { Choice } from '../election/choices.ts';
import type { Question, QuestionResult } from '../election/entries.ts';

/** Counts one question as ballots come and go; a method of counting is one implementation of this. */
export interface Counter {
  /** Adds a valid vote of some weight. */
  add(choice: Choice, weight: number): void;
  /** Takes back a vote that was added: its voter cast a later one. */
  remove(choice: Choice, weight: number): void;
  /** The result so far. */
  result(): QuestionResult;
}

export interface CountingMethod {
  readonly name: Question['method'];
  counter(question: Question): Counter;
}
