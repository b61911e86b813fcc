import { equalBytes } from '../base/bytes.ts';
import { sha256 } from '../crypto/hash.ts';
import { verifyWithAcceptableKey } from '../crypto/signature.ts';
import { ballotMessage } from '../crypto/transcript.ts';
import { type SealedBallot, readBallot } from '../election/ballot.ts';
import { enrolmentProblems } from '../election/enrolment.ts';
import type { EnrolmentEntry, Entry, RollEntry, SignedBallot } from '../election/entries.ts';
import { badProof, voterProblems } from '../election/rules.ts';
import { openCheckpoint, parseCheckpoint } from '../log/checkpoint.ts';
import { decodeEntry } from '../log/entry-codec.ts';
import { HASH_BYTES, leafHash } from '../log/merkle.ts';
import { type BallotShape, readBallotShape } from './ballot-shape.ts';
import type { CheckpointTask, EntryTask } from './checker.ts';
import type { CheckId } from './report.ts';
import { SealedCheck, type SealedVote } from './sealed-check.ts';
import { packChoices } from './votes.ts';

/** What an entry turned out to be. Of a ballot everything that the fold needs is in the columns. */
export const UNREADABLE = 0;
export const BALLOT = 1;
export const OTHER = 2;

/**
 * The verdicts on a run of entries, as columns over one buffer: it crosses threads without a copy and without one object
 * an entry. Columns say nothing where `status` is UNREADABLE, and those of ballots where it isn't BALLOT.
 */
export interface CheckedEntries {
  readonly count: number;
  readonly status: Uint8Array<ArrayBuffer>;
  readonly seq: Float64Array<ArrayBuffer>;
  readonly time: Float64Array<ArrayBuffer>;
  /** SHA-256 of the entry, from which its CID follows; 32 bytes each. */
  readonly digests: Uint8Array<ArrayBuffer>;
  /** RFC 6962 leaf hashes; 32 bytes each. */
  readonly leaves: Uint8Array<ArrayBuffer>;
  /** Digest in `prev`; all zero for null, which no entry hashes to. */
  readonly prevs: Uint8Array<ArrayBuffer>;
  /** Ballots: the voter's key; 32 bytes each. */
  readonly voters: Uint8Array<ArrayBuffer>;
  /** Ballots: the voter's number. */
  readonly numbers: Uint32Array<ArrayBuffer>;
  /** Ballots: index in `rounds` of the round's digest. */
  readonly roundOf: Uint16Array<ArrayBuffer>;
  /** Ballots: index in `votes` of the packed choices. */
  readonly voteOf: Uint16Array<ArrayBuffer>;
  /** Ballots: 1 where the signature is the voter's, provided that the key is acceptable; the roll vouches for that. */
  readonly signed: Uint8Array<ArrayBuffer>;
  readonly rounds: readonly Uint8Array[];
  readonly votes: readonly string[];
  /** Of the sealed ones among the ballots, in order; their `voteOf` says nothing. */
  readonly sealed: readonly CheckedSeal[];
  readonly others: readonly OtherEntry[];
  readonly problems: readonly EntryProblem[];
}

export interface CheckedSeal {
  /** Within the run. */
  readonly index: number;
  /** Undefined where the vote is not valid, which is among `problems`, or could not be judged. */
  readonly vote: SealedVote | undefined;
}

export interface OtherEntry {
  /** Within the run. */
  readonly index: number;
  readonly bytes: Uint8Array;
  /** Roll entries: those voters, by their place, that may not be on any roll. */
  readonly badVoters: readonly number[];
}

export interface EntryProblem {
  readonly index: number;
  readonly check: CheckId;
  readonly message: string;
}

/** Entries per task, at most: the columns index with 16 bits. */
export const MAX_TASK_ENTRIES = 65_535;

/** Checks everything about entries that each one shows by itself. Never throws, whatever the bytes are. */
export type CheckEntries = (task: EntryTask) => CheckedEntries;

/** Such a check, for the entries of one log. */
export function entryCheck(): CheckEntries {
  const sealedCheck = new SealedCheck();
  return (task) => checkEntries(task, sealedCheck);
}

function checkEntries(task: EntryTask, sealedCheck: SealedCheck): CheckedEntries {
  const { bytes, lengths } = task;
  const checking = new Checking(lengths.length, task, sealedCheck);
  let offset = 0;
  let index = 0;
  for (const length of lengths) {
    checking.entry(index++, bytes.subarray(offset, offset + length));
    offset += length;
  }
  return checking.done();
}

/** A stored checkpoint: what it commits to, or why it commits to nothing. */
export type CheckedCheckpoint =
  | { readonly ok: true; readonly size: number; readonly root: Uint8Array }
  | { readonly ok: false; readonly size: number; readonly problem: string }
  | { readonly ok: false; readonly size: undefined; readonly problem: string };

export function checkCheckpoints({ texts, origin, publicKey }: CheckpointTask): CheckedCheckpoint[] {
  return texts.map((text) => {
    const opened = openCheckpoint(text, { origin, publicKey });
    if (opened.ok) return { ok: true, size: opened.value.size, root: opened.value.root };
    const parsed = parseCheckpoint(text);
    const problem = opened.error;
    return parsed.ok
      ? { ok: false, size: parsed.value.size, problem }
      : { ok: false, size: undefined, problem };
  });
}

class Checking {
  readonly #columns: ReturnType<typeof newColumns>;
  readonly #policy: EntryTask['policy'];
  readonly #genesis: EntryTask['genesis'];
  readonly #contexts: EntryTask['sealed'];
  readonly #sealedCheck: SealedCheck;
  readonly #rounds: Uint8Array[] = [];
  readonly #votes = new Map<string, number>();
  readonly #sealed: CheckedSeal[] = [];
  readonly #others: OtherEntry[] = [];
  readonly #problems: EntryProblem[] = [];

  constructor(count: number, { policy, genesis, sealed }: EntryTask, sealedCheck: SealedCheck) {
    if (count > MAX_TASK_ENTRIES) throw new RangeError(`${count} entries in one task`);
    this.#columns = newColumns(count);
    this.#policy = policy;
    this.#genesis = genesis;
    this.#contexts = sealed;
    this.#sealedCheck = sealedCheck;
  }

  entry(index: number, bytes: Uint8Array): void {
    const columns = this.#columns;
    columns.digests.set(sha256(bytes), index * HASH_BYTES);
    columns.leaves.set(leafHash(bytes), index * HASH_BYTES);
    const shape = readBallotShape(bytes);
    if (shape === undefined) {
      this.#decode(index, bytes);
    } else {
      this.#place(index, shape.seq, shape.time, shape.prev);
      this.#ballot(index, shape, shape);
    }
  }

  done(): CheckedEntries {
    return {
      ...this.#columns,
      rounds: this.#rounds,
      votes: [...this.#votes.keys()],
      sealed: this.#sealed,
      others: this.#others,
      problems: this.#problems,
    };
  }

  #decode(index: number, bytes: Uint8Array): void {
    const decoded = decodeEntry(bytes);
    if (!decoded.ok) {
      this.#problem(index, 'format', decoded.error);
      return;
    }
    const entry: Entry = decoded.value;
    this.#place(index, entry.seq, entry.time, entry.prev?.multihash.digest);
    if (entry.kind !== 'ballot') {
      const badVoters = entry.kind === 'roll' ? this.#roll(index, entry) : [];
      if (entry.kind === 'enrolment') this.#enrolment(index, entry);
      this.#columns.status[index] = OTHER;
      this.#others.push({ index, bytes: bytes.slice(), badVoters });
      return;
    }
    const read = readBallot(entry.ballot);
    if (!read.ok) {
      this.#problem(index, 'format', read.error.message);
      return;
    }
    const { round, voter, number } = read.value;
    const packed = read.value.form === 'open' ? packChoices(read.value.choices) : '';
    this.#ballot(index, entry.ballot, { round: round.multihash.digest, voter, number, packed });
    if (read.value.form === 'sealed') this.#seal(index, read.value);
  }

  #seal(index: number, ballot: SealedBallot): void {
    const judged = this.#sealedCheck.judge(ballot, this.#contexts);
    this.#sealed.push({ index, vote: judged?.ok === true ? judged.value : undefined });
    if (judged?.ok === false) this.#problem(index, 'votes', badProof(judged.error).message);
  }

  #place(index: number, seq: number, time: number, prev: Uint8Array | undefined): void {
    this.#columns.seq[index] = seq;
    this.#columns.time[index] = time;
    if (prev === undefined) return;
    // The columns say null by zeros, which nobody could name by mistake: no entry is known to hash to them.
    if (prev.every((byte) => byte === 0)) this.#problem(index, 'chain', 'its "prev" is a CID of zeros');
    this.#columns.prevs.set(prev, index * HASH_BYTES);
  }

  #ballot(
    index: number,
    signed: SignedBallot,
    ballot: Pick<BallotShape, 'round' | 'voter' | 'number' | 'packed'>,
  ): void {
    const columns = this.#columns;
    columns.status[index] = BALLOT;
    columns.voters.set(ballot.voter, index * HASH_BYTES);
    columns.numbers[index] = ballot.number;
    columns.roundOf[index] = this.#round(ballot.round);
    columns.voteOf[index] = this.#vote(ballot.packed);
    columns.signed[index] = verifyWithAcceptableKey(
      signed.signature,
      ballotMessage(signed.body),
      ballot.voter,
    )
      ? 1
      : 0;
  }

  #roll(index: number, entry: RollEntry): number[] {
    const policy = this.#policy;
    // Without a genesis no roll can be judged, and nothing after it is.
    if (policy === undefined) return [];
    return entry.voters.flatMap((voter, place) => {
      const problems = voterProblems(voter, policy);
      for (const problem of problems) this.#problem(index, 'roll', problem);
      return problems.length === 0 ? [] : [place];
    });
  }

  #enrolment(index: number, entry: EnrolmentEntry): void {
    const genesis = this.#genesis;
    // As for a roll.
    if (genesis === undefined) return;
    for (const problem of enrolmentProblems(genesis, entry)) this.#problem(index, 'enrolments', problem);
  }

  #round(digest: Uint8Array): number {
    const known = this.#rounds.findIndex((one) => equalBytes(one, digest));
    return known === -1 ? this.#rounds.push(digest.slice()) - 1 : known;
  }

  #vote(packed: string): number {
    const known = this.#votes.get(packed);
    if (known !== undefined) return known;
    this.#votes.set(packed, this.#votes.size);
    return this.#votes.size - 1;
  }

  #problem(index: number, check: CheckId, message: string): void {
    this.#problems.push({ index, check, message });
  }
}

function newColumns(count: number) {
  // The wide columns come first, so that each begins at a multiple of its element's size.
  const widths = { seq: 8, time: 8, numbers: 4, roundOf: 2, voteOf: 2 };
  const buffer = new ArrayBuffer(count * (8 + 8 + 4 + 2 + 2 + 4 * HASH_BYTES + 2));
  let offset = 0;
  const place = (width: number) => {
    const at = offset;
    offset += width * count;
    return at;
  };
  return {
    count,
    seq: new Float64Array(buffer, place(widths.seq), count),
    time: new Float64Array(buffer, place(widths.time), count),
    numbers: new Uint32Array(buffer, place(widths.numbers), count),
    roundOf: new Uint16Array(buffer, place(widths.roundOf), count),
    voteOf: new Uint16Array(buffer, place(widths.voteOf), count),
    digests: new Uint8Array(buffer, place(HASH_BYTES), count * HASH_BYTES),
    leaves: new Uint8Array(buffer, place(HASH_BYTES), count * HASH_BYTES),
    prevs: new Uint8Array(buffer, place(HASH_BYTES), count * HASH_BYTES),
    voters: new Uint8Array(buffer, place(HASH_BYTES), count * HASH_BYTES),
    status: new Uint8Array(buffer, place(1), count),
    signed: new Uint8Array(buffer, place(1), count),
  };
}
