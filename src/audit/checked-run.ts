import type { CID } from 'multiformats/cid';
import { cidFromDigest } from '../crypto/cid.ts';
import type { OpenBallot, SealedBallot } from '../election/ballot.ts';
import type { Choice } from '../election/choices.ts';
import { HASH_BYTES } from '../log/merkle.ts';
import {
  BALLOT,
  type CheckedEntries,
  type CheckedSeal,
  type EntryProblem,
  type OtherEntry,
  UNREADABLE,
} from './entry-check.ts';
import type { SealedVote } from './sealed-check.ts';
import { unpackChoices } from './votes.ts';

/** A ballot of a run, and whether its signature is the voter's. */
export type RunBallot =
  | {
      readonly form: 'open';
      readonly ballot: OpenBallot;
      /** As by `packChoices`. */
      readonly packed: string;
      readonly signed: boolean;
    }
  | {
      readonly form: 'sealed';
      readonly ballot: Omit<SealedBallot, 'sealed'>;
      /** Undefined where it is no valid vote, which is among the problems, or could not be judged. */
      readonly vote: SealedVote | undefined;
      readonly signed: boolean;
    };

/** Reads the columns of a run of checked entries. What many ballots share is made once. */
export class CheckedRun {
  readonly #checked: CheckedEntries;
  readonly #rounds: (CID | undefined)[] = [];
  readonly #choices: (readonly Choice[] | undefined)[] = [];
  /** Those before these are read: entries are asked for in order. */
  #nextProblem = 0;
  #nextOther = 0;
  #nextSeal = 0;

  constructor(checked: CheckedEntries) {
    this.#checked = checked;
  }

  isReadable(index: number): boolean {
    return this.#checked.status[index] !== UNREADABLE;
  }

  isBallot(index: number): boolean {
    return this.#checked.status[index] === BALLOT;
  }

  digest(index: number): Uint8Array {
    return hashAt(this.#checked.digests, index);
  }

  leaf(index: number): Uint8Array {
    return hashAt(this.#checked.leaves, index);
  }

  link(index: number): { seq: number; prev: Uint8Array | null; time: number } {
    const prev = hashAt(this.#checked.prevs, index);
    return {
      seq: this.#checked.seq[index] as number,
      prev: prev.every((byte) => byte === 0) ? null : prev,
      time: this.#checked.time[index] as number,
    };
  }

  /** Ballots must be asked for in order. */
  ballot(index: number): RunBallot {
    const { roundOf, voteOf, voters, numbers, votes, signed } = this.#checked;
    const round = roundOf[index] as number;
    const cast = {
      round: (this.#rounds[round] ??= cidFromDigest(this.#checked.rounds[round] as Uint8Array)),
      voter: hashAt(voters, index),
      number: numbers[index] as number,
    };
    const isSigned = signed[index] === 1;
    const seal = this.#seal(index);
    if (seal !== undefined)
      return { form: 'sealed', ballot: { ...cast, form: 'sealed' }, vote: seal.vote, signed: isSigned };
    const vote = voteOf[index] as number;
    const packed = votes[vote] as string;
    const choices = (this.#choices[vote] ??= unpackChoices(packed));
    return { form: 'open', ballot: { ...cast, form: 'open', choices }, packed, signed: isSigned };
  }

  #seal(index: number): CheckedSeal | undefined {
    const { sealed } = this.#checked;
    while ((sealed[this.#nextSeal]?.index ?? Infinity) < index) this.#nextSeal++;
    const next = sealed[this.#nextSeal];
    return next?.index === index ? next : undefined;
  }

  /** The next entry that is neither a ballot nor unreadable; it must be the one at `index`. */
  other(index: number): OtherEntry {
    const other = this.#checked.others[this.#nextOther++];
    if (other?.index !== index)
      throw new RangeError(`entry ${index} of the run was not the next one to ask for`);
    return other;
  }

  /** What is wrong with an entry by itself; entries must be asked for in order. */
  problems(index: number): readonly EntryProblem[] {
    const { problems } = this.#checked;
    if (problems[this.#nextProblem]?.index !== index) return NONE;
    const from = this.#nextProblem;
    while (problems[this.#nextProblem]?.index === index) this.#nextProblem++;
    return problems.slice(from, this.#nextProblem);
  }
}

const NONE: readonly EntryProblem[] = [];

function hashAt(hashes: Uint8Array, index: number): Uint8Array {
  return hashes.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES);
}
