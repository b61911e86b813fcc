import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inProcessChecker } from '#src/audit/checker.js';
import type { AuditReport } from '#src/audit/report.js';
import { type AuditOptions, audit } from '#src/audit/run.js';
import type { LogSource } from '#src/audit/source.js';
import { refused, unreachable, unusable } from '#src/base/errors.js';
import { fingerprint } from '#src/crypto/credential.js';
import {
  AT,
  LogBuilder,
  ROUND_1,
  ROUND_2,
  TURNOUT_1,
  TURNOUT_2,
  VOTERS,
  memoryLog,
  sampleLog,
} from '../support/build-log.js';
import { testKey } from '../support/test-keys.js';

const run = (source: LogSource, options: Partial<AuditOptions> = {}): Promise<AuditReport> =>
  audit(source, { checker: inProcessChecker(), ...options });

const verdictOf = (report: AuditReport, id: string) =>
  report.checks.find((check) => check.id === id)?.verdict;
const notValid = (report: AuditReport) =>
  report.checks.filter(({ verdict }) => verdict !== 'valid').map(({ id, verdict }) => `${id}: ${verdict}`);

describe('the audit of a sound log', () => {
  for (const names of ['public', 'pseudonym'] as const) {
    it(`finds nothing, and counts every round again, with ${names} names on the roll`, async () => {
      const log = sampleLog(names);
      const report = await run(log.source());
      assert.equal(report.verdict, 'valid');
      assert.equal(report.first, undefined);
      assert.deepEqual(
        notValid(report),
        [
          ...['identity', 'history', 'word', 'registrar', 'enrolments', 'trustees', 'ceremony', 'readiness'],
          'decryptions',
        ].map((id) => `${id}: not-applicable`),
      );
      assert.deepEqual(
        report.rounds.map(({ result, closed, published }) => ({ result, closed, published })),
        [
          { result: { turnout: TURNOUT_1, questions: ROUND_1 }, closed: true, published: true },
          { result: { turnout: TURNOUT_2, questions: ROUND_2 }, closed: true, published: true },
        ],
      );
    });
  }

  it('says which log it was', async () => {
    const log = sampleLog();
    const report = await run(log.source());
    assert.equal(report.size, AT.size);
    assert.equal(report.head, log.head.cid?.toString());
    assert.equal(report.checkpoint?.text, log.checkpoints.at(-1));
    assert.equal(report.election?.id, log.electionId);
    assert.equal(report.election.fingerprint, fingerprint(log.electionId));
    assert.deepEqual(report.election.authority, log.authority.publicKey);
  });

  it('checks that it is the expected election of the expected authority', async () => {
    const log = sampleLog();
    const same = await run(log.source(), {
      expectedElection: log.electionId,
      expectedAuthority: log.authority.publicKey,
    });
    assert.equal(verdictOf(same, 'identity'), 'valid');
    const otherElection = await run(log.source(), { expectedElection: 'bafyother' });
    assert.equal(otherElection.verdict, 'invalid');
    assert.deepEqual(otherElection.first?.check, 'identity');
    const otherAuthority = await run(log.source(), { expectedAuthority: testKey(9).publicKey });
    assert.equal(otherAuthority.verdict, 'invalid');
    assert.deepEqual(otherAuthority.first?.check, 'identity');
  });

  it('takes every checkpoint of the log for one that it continues', async () => {
    const log = sampleLog();
    const report = await run(log.source(), { knownCheckpoints: [...log.checkpoints].reverse() });
    assert.equal(report.verdict, 'valid');
    assert.equal(verdictOf(report, 'history'), 'valid');
  });

  it('counts a round that is open so far, and calls what is not there not applicable', async () => {
    const log = new LogBuilder();
    log.genesis();
    log.roll(VOTERS);
    log.openRound(1);
    log.cast(VOTERS[1], 1, [[2]]);
    log.checkpoint();
    const report = await run(log.source());
    assert.equal(report.verdict, 'valid');
    assert.equal(verdictOf(report, 'tally'), 'not-applicable');
    assert.deepEqual(
      report.rounds.map(({ result, closed }) => ({ votes: result.questions[0]?.answers, closed })),
      [{ votes: [0, 0, 3], closed: false }],
    );
  });

  it('accepts a log before its first round, and one whose roll is not complete', async () => {
    const log = new LogBuilder();
    log.genesis();
    log.append({ kind: 'roll', part: 0, parts: 2, voters: [{ name: 'a', key: VOTERS[0].key, weight: 1 }] });
    log.checkpoint();
    const report = await run(log.source());
    assert.equal(report.verdict, 'valid');
    assert.deepEqual(
      report.checks.filter(({ verdict }) => verdict === 'not-applicable').map(({ id }) => id),
      [
        'identity',
        'history',
        'word',
        'roll',
        'registrar',
        'enrolments',
        'trustees',
        'ceremony',
        'readiness',
        'rounds',
        'eligibility',
        'signatures',
        'window',
        'revote',
        'votes',
        'decryptions',
        'tally',
      ],
    );
  });

  it('does not mind that checkpoints are missing, as long as the newest is there', async () => {
    const log = sampleLog();
    const report = await run(memoryLog(log.entries, log.checkpoints.slice(-1)));
    assert.equal(report.verdict, 'valid');
  });

  it('takes what the newest checkpoint covered at the start of a log that grows meanwhile', async () => {
    const log = sampleLog();
    const early = log.checkpoints.slice(0, 2);
    let asked = 0;
    const growing: LogSource = {
      ...log.source(),
      latestCheckpoint: () => Promise.resolve(asked++ === 0 ? early.at(-1) : log.checkpoints.at(-1)),
    };
    const report = await run(growing);
    assert.equal(report.verdict, 'valid');
    assert.equal(report.size, AT.ballots + 3);
    assert.equal(report.checkpoint?.text, early.at(-1));
  });

  it('tells its progress, and how far it has to go', async () => {
    const log = sampleLog();
    const told: [number, number | undefined][] = [];
    await run(log.source(), { onProgress: (done, total) => told.push([done, total]) });
    assert.deepEqual(told.at(-1), [AT.size, AT.size]);
  });

  it('ends when it is asked to', async () => {
    const log = sampleLog();
    const reason = new Error('enough');
    await assert.rejects(run(log.source(), { signal: AbortSignal.abort(reason) }), reason);
  });
});

describe('a source that can not give the log', () => {
  const failing = (log: LogBuilder, at: number, error: Error): LogSource => ({
    ...log.source(),
    async *entries(from, to = Infinity) {
      await Promise.resolve();
      // In one chunk, which is lost as a whole: so do stores that read ahead.
      if (from <= at && to > at) throw error;
      yield log.entries.slice(from, to);
    },
  });

  it('makes the audit throw when it can not be read', async () => {
    for (const error of [
      unreachable('gone', 'gone'),
      unusable('nothing', 'nothing'),
      new TypeError('a defect'),
    ]) {
      await assert.rejects(run(failing(sampleLog(), 5, error)), error);
    }
  });

  it('is a finding at the very entry when its content is damaged', async () => {
    for (const at of [0, 1, 8, 9, AT.size - 1]) {
      const log = sampleLog();
      const report = await run(failing(log, at, refused('store-damaged', `Entry ${at} is damaged.`)));
      assert.equal(report.verdict, 'invalid');
      assert.deepEqual(report.first, { check: 'format', seq: at, message: `Entry ${at} is damaged.` });
      assert.equal(report.size, at);
      assert.equal(verdictOf(report, 'root'), 'not-judged');
      assert.equal(verdictOf(report, 'tally'), 'not-judged');
    }
  });

  it('is a finding when its checkpoints are damaged', async () => {
    const log = sampleLog();
    const damaged = refused('export-damaged', 'A checkpoint is damaged.');
    const stored = await run({
      ...log.source(),
      async *checkpoints() {
        await Promise.resolve();
        yield log.checkpoints[0] as string;
        throw damaged;
      },
    });
    assert.equal(stored.verdict, 'invalid');
    assert.equal(stored.first?.check, 'checkpoints');
    const newest = await run({ ...log.source(), latestCheckpoint: () => Promise.reject(damaged) });
    assert.equal(newest.verdict, 'invalid');
    assert.deepEqual(newest.first, { check: 'root', message: 'A checkpoint is damaged.' });
  });

  it('is found out when it gives another first entry at another time', async () => {
    const [log, other] = [sampleLog(), sampleLog('pseudonym')];
    let asked = 0;
    const report = await run({
      ...log.source(),
      entries: (from, to) => (asked++ === 0 ? other : log).source().entries(from, to),
      checkpoints: (from) => other.source().checkpoints(from),
      latestCheckpoint: () => Promise.resolve(other.checkpoints.at(-1)),
    });
    assert.equal(report.verdict, 'invalid');
    assert.ok(report.checks.find(({ id }) => id === 'format')?.findings.some(({ seq }) => seq === 0));
  });

  it('is invalid when it is empty, or begins with something else than a genesis', async () => {
    const empty = await run(memoryLog([], []));
    assert.equal(empty.verdict, 'invalid');
    assert.equal(empty.head, null);
    const log = sampleLog();
    const headless = await run(memoryLog(log.entries.slice(1), log.checkpoints));
    assert.equal(headless.verdict, 'invalid');
    assert.deepEqual([headless.first?.check, headless.first?.seq], ['chain', 0]);
    assert.equal(verdictOf(headless, 'checkpoints'), 'not-judged');
  });

  it('is not asked for more once the audit has failed', async () => {
    const log = sampleLog();
    let closed = 0;
    const source: LogSource = {
      ...log.source(),
      async *checkpoints() {
        try {
          for (let i = 0; ; i++) {
            await Promise.resolve();
            yield log.checkpoints[i % log.checkpoints.length] as string;
          }
        } finally {
          closed++;
        }
      },
      async *entries(from, to) {
        yield* log.source().entries(from, Math.min(to ?? 7, 7));
        if (from + 1 !== to) throw unreachable('gone', 'gone');
      },
    };
    await assert.rejects(run(source), { code: 'gone' });
    assert.equal(closed, 1);
  });
});
