import type { CID } from 'multiformats/cid';
import type { LogSource } from '#src/audit/source.js';
import { utf8ToBytes } from '#src/base/bytes.js';
import { cidOf } from '#src/crypto/cid.js';
import { DEFAULT_KDF, pseudonym } from '#src/crypto/credential.js';
import { signBallot } from '#src/election/ballot.js';
import type { Choice } from '#src/election/choices.js';
import type {
  EntryContent,
  GenesisEntry,
  Policy,
  Question,
  QuestionResult,
  SignedBallot,
  Voter,
} from '#src/election/entries.js';
import { origin, signCheckpoint } from '#src/log/checkpoint.js';
import { EMPTY_HEAD, type Head, chainEntry, headAfter } from '#src/log/entry-codec.js';
import { CompactTree, leafHash } from '#src/log/merkle.js';
import { type TestKey, testKey } from './test-keys.js';

/** A log in memory. */
export function memoryLog(
  entries: readonly Uint8Array[],
  checkpoints: readonly string[],
  chunk = 7,
): LogSource {
  return {
    name: 'a log in memory',
    async *entries(from: number, to = entries.length) {
      for (let at = from; at < Math.min(to, entries.length); at += chunk) {
        await Promise.resolve();
        yield entries.slice(at, Math.min(at + chunk, to));
      }
    },
    async *checkpoints(from: number) {
      for (const text of checkpoints) {
        await Promise.resolve();
        // Those of no readable size too: they are the auditor's to judge.
        if (!(Number(text.split('\n')[1]) < from)) yield text;
      }
    },
    latestCheckpoint: () => Promise.resolve(checkpoints.at(-1)),
  };
}

export interface TestVoter extends Voter {
  readonly seed: Uint8Array;
}

export function testVoter(name: string, byte: number, weight = 1): TestVoter {
  const { seed, publicKey } = testKey(byte);
  return { name, key: publicKey, weight, seed };
}

export const QUESTION: Question = {
  question: 'Which restaurant?',
  answers: ['Anna', 'Bella', 'Ciao'],
  min: 1,
  max: 2,
  blank: true,
  method: 'count',
};

/**
 * Makes logs as a process of the authority would, chained and signed properly, but judges nothing: what a dishonest
 * authority could make, this can.
 */
export class LogBuilder {
  readonly entries: Uint8Array[] = [];
  readonly checkpoints: string[] = [];
  readonly authority: TestKey;
  #head: Head = EMPTY_HEAD;
  #tree = new CompactTree();
  #genesis: CID | undefined;
  #round: CID | undefined;
  #now = 1_700_000_000_000;

  constructor(authority: TestKey = testKey(1)) {
    this.authority = authority;
  }

  get size(): number {
    return this.#head.size;
  }

  /** Time of the next entry. */
  get now(): number {
    return this.#now;
  }

  /** Time passes. */
  wait(ms: number): this {
    this.#now += ms;
    return this;
  }

  /** Appends anything; returns its index. */
  append(content: EntryContent): number {
    const entry = chainEntry(this.#head, content, this.#now);
    this.#now += 1000;
    this.#head = headAfter(entry);
    this.#genesis ??= entry.cid;
    if (content.kind === 'round') this.#round = entry.cid;
    this.entries.push(entry.bytes);
    this.#tree.append(leafHash(entry.bytes));
    return entry.entry.seq;
  }

  /** Appends any bytes; the next entry is chained to them. */
  raw(bytes: Uint8Array): number {
    this.#head = { ...this.#head, size: this.size + 1, cid: cidOf(bytes) };
    this.entries.push(bytes);
    this.#tree.append(leafHash(bytes));
    return this.size - 1;
  }

  /** The end of the log, to chain an entry to by hand. */
  get head(): Head {
    return this.#head;
  }

  /** Signs a checkpoint of all entries so far and keeps it. */
  checkpoint(root: Uint8Array = this.#tree.root()): string {
    const text = signCheckpoint(
      { origin: this.origin, size: this.size, root },
      this.authority.seed,
      this.authority.publicKey,
    );
    this.checkpoints.push(text);
    return text;
  }

  get origin(): string {
    return origin(this.electionId);
  }

  get electionId(): string {
    return String(this.#genesis);
  }

  /** CID of the newest round. */
  get round(): CID {
    if (this.#round === undefined) throw new Error('no round yet');
    return this.#round;
  }

  genesis(
    change: Partial<Omit<GenesisEntry, 'policy'>> & { readonly policy?: Partial<Policy> } = {},
  ): number {
    return this.append({
      kind: 'genesis',
      uuid: '0191e7a4-7b1c-4f3a-9f5e-3b2a1c0d9e8f',
      title: 'Best to-go restaurant',
      description: '',
      authority: this.authority.publicKey,
      kdf: DEFAULT_KDF,
      ...change,
      policy: { secrecy: 'open', revote: 'last', names: 'public', ...change.policy },
    });
  }

  /** The roll in chunks of `chunk`, in the order given. */
  roll(voters: readonly Voter[], chunk = 3): void {
    const parts = Math.ceil(voters.length / chunk);
    for (let part = 0; part < parts; part++) {
      const some = voters.slice(part * chunk, (part + 1) * chunk);
      this.append({
        kind: 'roll',
        part,
        parts,
        voters: some.map(({ name, key, weight }) => ({ name, key, weight })),
      });
    }
  }

  openRound(
    round: number,
    questions: readonly Question[] = [QUESTION],
    closes: number | null = null,
  ): number {
    return this.append({ kind: 'round', round, title: `Round ${round}`, questions, closes });
  }

  cast(
    voter: Pick<TestVoter, 'seed'>,
    number: number,
    choices: readonly Choice[],
    change: { readonly round?: CID; readonly forge?: (ballot: SignedBallot) => SignedBallot } = {},
  ): number {
    const ballot = signBallot(
      { form: 'open', round: change.round ?? this.round, number, choices },
      voter.seed,
    );
    return this.append({ kind: 'ballot', ballot: change.forge?.(ballot) ?? ballot });
  }

  close(round: number, reason: 'organiser' | 'schedule' = 'organiser'): number {
    return this.append({ kind: 'close', round, reason });
  }

  source(): LogSource {
    return memoryLog(this.entries, this.checkpoints);
  }
}

/** Voters sorted as a roll must be. */
export function sorted(voters: readonly TestVoter[]): TestVoter[] {
  return [...voters].sort((a, b) => Buffer.compare(utf8ToBytes(a.name), utf8ToBytes(b.name)));
}

export const VOTERS = [
  testVoter('amara', 11),
  testVoter('bo', 12, 3),
  testVoter('chiara', 13),
  testVoter('dmitri', 14, 2),
  testVoter('émile', 15),
] as const;

/** The voters of `VOTERS` under their pseudonyms, in the roll's order. */
export function pseudonymous(voters: readonly TestVoter[]): TestVoter[] {
  return sorted(voters.map((voter) => ({ ...voter, name: pseudonym(voter.key) })));
}

export const SECOND: Question = {
  question: 'Open on Mondays?',
  answers: ['Yes', 'No'],
  min: 0,
  max: 1,
  blank: false,
  method: 'count',
};

/** What `sampleLog` publishes for its two rounds, counted by hand. */
export const ROUND_1: readonly QuestionResult[] = [
  // bo's first vote (weight 3) was for Anna and was replaced by Bella and Ciao.
  { answers: [1, 3, 5], blank: 1, winners: [2] },
  { answers: [3, 1], blank: 0, winners: [0] },
];
export const ROUND_2: readonly QuestionResult[] = [{ answers: [3, 3], blank: 0, winners: [0, 1] }];
const ROLL = { voters: 5, weight: 8 };
export const TURNOUT_1 = { ...ROLL, voted: 4, votedWeight: 7, ballots: 6 };
export const TURNOUT_2 = { ...ROLL, voted: 3, votedWeight: 6, ballots: 3 };

/** Where things are in `sampleLog`. */
export const AT = {
  genesis: 0,
  roll: 1,
  round: 3,
  ballots: 4,
  close: 10,
  result: 11,
  round2: 12,
  close2: 16,
  size: 18,
} as const;

/**
 * A small election: five voters of different weights in two roll chunks; a round with two questions, a replaced ballot,
 * a blank vote; a tied run-off. A checkpoint after the roll, in the middle of each round, and at the end.
 */
export function sampleLog(names: Policy['names'] = 'public', authority?: TestKey): LogBuilder {
  const log = new LogBuilder(authority);
  const [amara, bo, chiara, dmitri] = VOTERS;
  log.genesis({ policy: { names } });
  log.roll(names === 'public' ? VOTERS : pseudonymous(VOTERS));
  log.checkpoint();
  log.openRound(1, [QUESTION, SECOND]);
  log.cast(amara, 1, [[0], [0]]);
  log.cast(bo, 1, [[0], [1]]);
  log.cast(chiara, 1, [[1], []]);
  log.checkpoint();
  log.cast(bo, 2, [[1, 2], []]);
  log.cast(chiara, 2, [null, [1]]);
  log.cast(dmitri, 1, [[2], [0]]);
  log.checkpoint();
  log.close(1);
  log.append({ kind: 'result', round: 1, turnout: TURNOUT_1, questions: ROUND_1 });
  log.checkpoint();
  log.openRound(2, [{ ...QUESTION, answers: ['Bella', 'Ciao'], max: 1 }]);
  log.cast(bo, 1, [[0]]);
  log.checkpoint();
  log.cast(dmitri, 1, [[1]]);
  log.cast(amara, 1, [[1]]);
  log.close(2);
  log.append({ kind: 'result', round: 2, turnout: TURNOUT_2, questions: ROUND_2 });
  log.checkpoint();
  return log;
}
