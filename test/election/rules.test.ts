import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { cidOf } from '#src/crypto/cid.js';
import { DEFAULT_KDF, pseudonym } from '#src/crypto/credential.js';
import { publicKeyOf } from '#src/crypto/signature.js';
import { type Ballot } from '#src/election/ballot.js';
import type { EntryContent, Policy } from '#src/election/entries.js';
import { LogState } from '#src/election/log-state.js';
import { refusals, voterProblems } from '#src/election/rules.js';
import { EMPTY_HEAD, type Head, chainEntry, headAfter } from '#src/log/entry-codec.js';

const seed = new Uint8Array(32).fill(1);
const key = publicKeyOf(seed);
const CLOSES = 5000;

/** A log in memory: appends what is valid, and says what is not. */
class TestLog {
  readonly state = new LogState();
  #head: Head = EMPTY_HEAD;
  #now = 1000;

  append(content: EntryContent): string[] {
    const chained = chainEntry(this.#head, content, this.#now++);
    const problems = this.state.problems(chained.entry);
    if (problems.length === 0) {
      this.state.apply(chained.entry, chained.cid);
      this.#head = headAfter(chained);
    }
    return problems;
  }
}

const genesis = (policy: Partial<Policy> = {}): EntryContent => ({
  kind: 'genesis',
  uuid: '01234567-89ab-4cde-8f01-23456789abcd',
  title: 'Board',
  description: '',
  authority: key,
  policy: { secrecy: 'open', revote: 'last', names: 'public', ...policy },
  kdf: DEFAULT_KDF,
});
const roll: EntryContent = { kind: 'roll', part: 0, parts: 1, voters: [{ name: 'ada', key, weight: 1 }] };
const round = (number: number, closes: number | null = CLOSES): EntryContent => ({
  kind: 'round',
  round: number,
  title: 'Round',
  questions: [{ question: '?', answers: ['a', 'b'], min: 1, max: 1, blank: false, method: 'count' }],
  closes,
});
const close = (number: number, reason: 'organiser' | 'schedule' = 'organiser'): EntryContent => ({
  kind: 'close',
  round: number,
  reason,
});
const result = (number: number): EntryContent => ({
  kind: 'result',
  round: number,
  turnout: { voters: 1, weight: 1, voted: 0, votedWeight: 0, ballots: 0 },
  questions: [{ answers: [0, 0], blank: 0, winners: [] }],
});

describe('the order of entries', () => {
  let log: TestLog;
  beforeEach(() => {
    log = new TestLog();
  });
  const accept = (...contents: EntryContent[]) => {
    for (const content of contents) assert.deepEqual(log.append(content), []);
  };
  const refuse = (content: EntryContent, reason: RegExp) => {
    assert.match(log.append(content).join('; '), reason);
  };

  it('leads from genesis through roll, rounds, closes and results', () => {
    accept(genesis(), roll, round(1), close(1), result(1), round(2), close(2), result(2));
    assert.equal(log.state.phase, 'ready');
    assert.deepEqual(log.state.roll, { voters: 1, weight: 1 });
    assert.equal(log.state.rounds.length, 2);
  });

  it('begins with the genesis, of which there is one', () => {
    refuse(roll, /empty/);
    accept(genesis());
    refuse(genesis(), /second genesis/);
  });

  it('has no genesis that would weaken credentials or exhaust a voter’s machine', () => {
    refuse({ ...genesis(), kdf: { name: 'argon2id', ops: 1, mem: 8192 } } as EntryContent, /Argon2id/);
    refuse({ ...genesis(), kdf: { name: 'argon2id', ops: 1, mem: 2 ** 31 } } as EntryContent, /Argon2id/);
  });

  it('wants the roll’s parts in order, its names increasing, and nothing on it twice', () => {
    accept(genesis());
    refuse({ ...roll, part: 1, parts: 2 }, /part 1 was due/);
    refuse(
      {
        ...roll,
        voters: [
          { name: 'b', key, weight: 1 },
          { name: 'a', key, weight: 1 },
        ],
      },
      /out of order/,
    );
    refuse(
      {
        ...roll,
        voters: [
          { name: 'b', key, weight: 1 },
          { name: 'b', key, weight: 1 },
        ],
      },
      /twice/,
    );
    accept({ kind: 'roll', part: 0, parts: 2, voters: [{ name: 'm', key, weight: 1 }] });
    refuse({ kind: 'roll', part: 1, parts: 2, voters: [{ name: 'm', key, weight: 1 }] }, /twice/);
    refuse(
      { kind: 'roll', part: 1, parts: 3, voters: [{ name: 'z', key, weight: 1 }] },
      /number of roll parts/,
    );
    refuse(round(1), /enrolling/);
  });

  it('has no round out of turn, or that closes before it opens', () => {
    accept(genesis(), roll);
    refuse(round(2), /round 2 after round 0/);
    refuse(round(1, 3), /closes before/);
    accept(round(1));
    refuse(round(2), /open/);
  });

  it('has no close or result out of turn, or for a reason that is not so', () => {
    accept(genesis(), roll);
    refuse(close(1), /ready/);
    accept(round(1));
    refuse(close(2), /round 2/);
    refuse(close(1, 'schedule'), /schedule/);
    refuse(result(1), /open/);
    accept(close(1));
    refuse(result(2), /round 2/);
    refuse({ kind: 'ballot', ballot: { body: new Uint8Array(), signature: new Uint8Array(64) } }, /counting/);
  });
});

describe('a ballot is refused', () => {
  function open(policy: Partial<Policy> = {}) {
    const log = new TestLog();
    for (const content of [genesis(policy), roll, round(1)]) log.append(content);
    const cid = log.state.round?.cid;
    assert.ok(cid);
    const ballot: Ballot = { form: 'open', round: cid, voter: key, number: 1, choices: [[0]] };
    return { state: log.state, ballot, log };
  }
  const fresh = { weight: 1, round: 0, number: 0 };
  const codes = (...args: Parameters<typeof refusals>) => refusals(...args).map(({ code }) => code);

  it('never, when it is the voter’s first, on time and valid', () => {
    const { state, ballot } = open();
    assert.deepEqual(codes(ballot, state, 2000, fresh), []);
  });

  it('before any round is open', () => {
    const { ballot } = open();
    assert.deepEqual(codes(ballot, new LogState(), 2000, fresh), ['not-open']);
  });

  it('from the closing time on, to the millisecond, and after the close', () => {
    const { state, ballot, log } = open();
    assert.deepEqual(codes(ballot, state, CLOSES - 1, fresh), []);
    assert.deepEqual(codes(ballot, state, CLOSES, fresh), ['closed']);
    log.append(close(1));
    assert.deepEqual(codes(ballot, state, 2000, fresh), ['closed']);
  });

  it('for another election, and for another round of this one', () => {
    const { state, ballot, log } = open();
    const [foreign] = refusals({ ...ballot, round: cidOf(Uint8Array.of(0)) }, state, 2000, fresh);
    assert.equal(foreign?.code, 'wrong-election');
    assert.match(foreign.message, /another election/);
    for (const content of [close(1), result(1), round(2)]) log.append(content);
    const [earlier] = refusals(ballot, state, 2000, fresh);
    assert.equal(earlier?.code, 'wrong-election');
    assert.match(earlier.message, /round 1; this is round 2/);
  });

  it('from a key that is not on the roll', () => {
    const { state, ballot } = open();
    assert.deepEqual(codes(ballot, state, 2000, undefined), ['unknown-voter']);
  });

  it('a second time where the first one stands', () => {
    const { state, ballot } = open({ revote: 'never' });
    assert.deepEqual(codes({ ...ballot, number: 2 }, state, 2000, { weight: 1, round: 1, number: 1 }), [
      'already-voted',
    ]);
  });

  it('unless its number is the next one', () => {
    const { state, ballot } = open();
    const voted = { weight: 1, round: 1, number: 2 };
    assert.deepEqual(codes({ ...ballot, number: 3 }, state, 2000, voted), []);
    assert.deepEqual(codes({ ...ballot, number: 2 }, state, 2000, voted), ['already-voted']);
    assert.deepEqual(codes({ ...ballot, number: 4 }, state, 2000, voted), ['malformed']);
    assert.deepEqual(codes({ ...ballot, number: 1 }, state, 2000, { weight: 1, round: 0, number: 9 }), []);
  });

  it('after the thousandth of a voter in a round', () => {
    const { state, ballot } = open();
    assert.deepEqual(
      codes({ ...ballot, number: 1000 }, state, 2000, { weight: 1, round: 1, number: 999 }),
      [],
    );
    assert.deepEqual(codes({ ...ballot, number: 1001 }, state, 2000, { weight: 1, round: 1, number: 1000 }), [
      'already-voted',
    ]);
  });

  it('with every reason at once', () => {
    const { state, ballot } = open();
    const bad = { ...ballot, round: cidOf(Uint8Array.of(0)), choices: [[7]] };
    assert.deepEqual(codes(bad, state, CLOSES, undefined), [
      'wrong-election',
      'closed',
      'malformed',
      'unknown-voter',
    ]);
  });
});

describe('a voter is kept off the roll', () => {
  const policy: Policy = { secrecy: 'open', revote: 'last', names: 'public' };

  it('with a key on which implementations could disagree', () => {
    const identity = new Uint8Array(32);
    identity[0] = 1;
    assert.equal(voterProblems({ name: 'ada', key: identity, weight: 1 }, policy).length, 1);
    assert.equal(voterProblems({ name: 'ada', key, weight: 1 }, policy).length, 0);
  });

  it('under a name where pseudonyms are promised', () => {
    const hidden: Policy = { ...policy, names: 'pseudonym' };
    assert.equal(voterProblems({ name: 'ada', key, weight: 1 }, hidden).length, 1);
    assert.equal(voterProblems({ name: pseudonym(key), key, weight: 1 }, hidden).length, 0);
  });
});
