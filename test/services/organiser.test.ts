import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { publicKeyOf } from '#src/crypto/signature.js';
import { PsephosError } from '#src/base/errors.js';
import { Caretaker } from '#src/services/caretaker.js';
import { createElection } from '#src/services/create-election.js';
import type { Store } from '#src/services/ports.js';
import type { ElectionSetup } from '#src/services/create-election.js';
import type { Voter } from '#src/election/entries.js';
import { AUTHORITY, QUESTION, TempElection, testSeed } from '../support/temp-election.ts';

const fails = (code: string) => (error: unknown) => error instanceof PsephosError && error.code === code;

describe('the organiser', () => {
  it('runs rounds one after another, with their own questions and the same roll', async (t) => {
    const election = await TempElection.create(t);
    const { organiser } = election;
    await organiser.open();
    const station = election.station();
    await station.cast(election.ballot(0, [[0]]));
    await station.cast(election.ballot(2, [[2]]));
    const first = await organiser.close();
    assert.deepEqual(first.result?.entry.questions, [{ answers: [1, 0, 3], blank: 0, winners: [2] }]);
    assert.deepEqual(first.result.entry.turnout, {
      voters: 3,
      weight: 6,
      voted: 2,
      votedWeight: 4,
      ballots: 2,
    });

    await organiser.prepare({
      title: 'Run-off',
      questions: [{ ...QUESTION, answers: ['a', 'c'] }],
      opens: null,
      closes: null,
    });
    await organiser.open();
    await station.cast(election.ballot(0, [[1]]));
    await station.cast(election.ballot(1, [null]));
    const second = await organiser.close();
    assert.deepEqual(second.result?.entry.questions, [{ answers: [0, 1], blank: 2, winners: [1] }]);
    assert.equal(organiser.results().length, 2);
    const status = await organiser.status();
    assert.equal(status.phase, 'ready');
    assert.equal(status.draft, null);
  });

  it('lets nothing happen out of turn', async (t) => {
    const election = await TempElection.create(t);
    const { organiser } = election;
    const draft = { title: 'x', questions: [QUESTION], opens: null, closes: null };
    await assert.rejects(organiser.close(), fails('not-open'));
    await organiser.open();
    await assert.rejects(organiser.open(), fails('already-open'));
    await assert.rejects(organiser.prepare(draft), fails('already-open'));
    await organiser.close();
    await assert.rejects(organiser.close(), fails('not-open'));
    await assert.rejects(organiser.open(), fails('no-draft'));
    await assert.rejects(organiser.prepare({ ...draft, questions: [] }), fails('bad-setup'));
    await assert.rejects(organiser.prepare({ ...draft, opens: 5, closes: 5 }), fails('bad-setup'));
  });

  it('knows after a restart what it knew before', async (t) => {
    const election = await TempElection.create(t);
    await election.organiser.open();
    await election.station().cast(election.ballot(0, [[0]]));
    await election.station().cast(election.ballot(0, [[1]], 2));
    const before = await election.organiser.status();
    await election.reopen();
    assert.deepEqual(await election.organiser.status(), before);
    const names: string[] = [];
    for await (const name of election.organiser.voted()) names.push(name);
    assert.deepEqual(names, ['v0']);
  });

  it('opens and closes by the schedule', async (t) => {
    const election = await TempElection.create(t, { draft: { opens: 1_100_000, closes: 1_200_000 } });
    const { log, organiser } = election;
    const caretaker = new Caretaker({
      log,
      organiser,
      clock: { now: () => election.now },
      onEvent: (event) => election.events.push(event),
      askTrusteesEvery: 3_600_000,
    });
    await caretaker.tick();
    assert.equal(log.state.phase, 'ready');
    election.now = 1_100_000;
    await caretaker.tick();
    assert.equal(log.state.phase, 'open');
    election.now = 1_199_999;
    await caretaker.tick();
    assert.equal(log.state.phase, 'open');
    election.now = 1_200_000;
    await caretaker.tick();
    assert.equal(log.state.round?.close?.reason, 'schedule');
    assert.equal(log.state.phase, 'ready');
  });

  it('opens a prepared round once, also when the disk failed at the worst moment', async (t) => {
    let fail = false;
    const wrapStore = (store: Store): Store =>
      new Proxy(store, {
        get(target, property) {
          if (property === 'commit' && fail) {
            // Written, and reported as failed: what a dying disk may do.
            return async (batch: Parameters<Store['commit']>[0]) => {
              await target.commit(batch);
              throw new Error('input/output error');
            };
          }
          const value: unknown = Reflect.get(target, property);
          return typeof value === 'function'
            ? (value as (...args: unknown[]) => unknown).bind(target)
            : value;
        },
      });
    const election = await TempElection.create(t, { wrapStore, draft: { opens: 1_000_000 } });
    const { log, organiser } = election;
    const clock = { now: () => election.now };
    const caretaker = new Caretaker({
      log,
      organiser,
      clock,
      onEvent: (event) => election.events.push(event),
      askTrusteesEvery: 3_600_000,
    });
    fail = true;
    await caretaker.tick();
    assert.equal(log.suspended, true);
    fail = false;
    election.now += 10_000;
    await caretaker.tick();
    assert.equal(log.state.phase, 'open');
    assert.equal((await organiser.status()).draft, null);
    await organiser.close();
    await caretaker.tick();
    assert.equal(log.state.rounds.length, 1);
  });

  it('opens the round that was prepared last, whatever happens at once', async (t) => {
    const election = await TempElection.create(t);
    const { organiser } = election;
    const other = { title: 'Other', questions: [QUESTION], opens: null, closes: null };
    const [, opened] = await Promise.all([organiser.prepare(other), organiser.open()]);
    assert.equal(opened.entry.title, 'Other');
    await assert.rejects(organiser.prepare(other), fails('already-open'));
    assert.equal((await organiser.status()).draft, null);
  });

  it('makes the indexes again from the entries when they were lost', async (t) => {
    const election = await TempElection.create(t);
    await election.organiser.open();
    const ballot = election.ballot(1, [[1]]);
    const receipt = await election.station().cast(ballot);
    await election.log.store.clearIndexes();
    await election.reopen();
    assert.equal(await election.station().cast(ballot), receipt);
    const { result } = await election.organiser.close();
    assert.deepEqual(result?.entry.questions[0]?.answers, [0, 2, 0]);
  });
});

describe('a roll is refused', () => {
  const voter = (name: string, number: number): Voter => ({
    name,
    key: publicKeyOf(testSeed(number)),
    weight: 1,
  });
  const cases: readonly (readonly [string, readonly Voter[], RegExp])[] = [
    ['that is empty', [], /roll is empty/],
    ['with a name twice', [voter('a', 1), voter('a', 2)], /"a" is on the roll twice/],
    ['with a key twice', [voter('a', 1), voter('b', 1)], /"a" and "b" have the same public key/],
    [
      'with a small-order key',
      [{ ...voter('a', 1), key: new Uint8Array(32) }],
      /not an acceptable Ed25519 key/,
    ],
    ['with a name that drives a terminal', [voter('a\u001b[31m', 1)], /control characters/],
    ['with more weight than can be counted', [{ ...voter('a', 1), weight: 2_000_000_000 }], /weights add up/],
  ];
  for (const [name, voters, reason] of cases) {
    it(name, async (t) => {
      const election = await TempElection.create(t);
      const setup: ElectionSetup = {
        uuid: '01234567-89ab-4cde-8f01-23456789abcd',
        title: 'Board',
        description: '',
        policy: { secrecy: 'open', revote: 'last', names: 'public' },
        voters,
        firstRound: { title: 'Round 1', questions: [QUESTION], opens: null, closes: null },
      };
      await assert.rejects(
        createElection(election.log, setup, AUTHORITY, () => undefined),
        (error) => {
          return fails('bad-setup')(error) && reason.test((error as Error).message);
        },
      );
    });
  }

  it('does not open a round that no reader of the log would take, and goes on with another', async (t) => {
    const answers = Array.from({ length: 1000 }, (_, at) => `${at} ${'x'.repeat(400)}`);
    const questions = ['a', 'b', 'c'].map((question) => ({ ...QUESTION, question, answers }));
    const election = await TempElection.create(t, { draft: { questions } });
    const { log, organiser } = election;
    const { size } = log.head;
    await assert.rejects(organiser.open(), fails('not-allowed'));
    assert.equal(log.head.size, size);
    await organiser.prepare({ title: 'Round 1', questions: [QUESTION], opens: null, closes: null });
    await organiser.open();
    assert.equal(log.state.phase, 'open');
  });
});
