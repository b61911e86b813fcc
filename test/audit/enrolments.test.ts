import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inProcessChecker } from '#src/audit/checker.js';
import type { AuditReport } from '#src/audit/report.js';
import { audit } from '#src/audit/run.js';
import { createChecker } from '#src/audit/worker-pool.js';
import { CID } from 'multiformats/cid';
import { publicKeyOf } from '#src/crypto/signature.js';
import { signEnrolment } from '#src/election/enrolment.js';
import type { EnrolledKey } from '#src/election/entries.js';
import { LogBuilder, type TestVoter, VOTERS, pseudonymous, sorted, testVoter } from '../support/build-log.ts';

const [AMARA, BO, CHIARA] = VOTERS;
const OWN = testVoter('own', 31);
const SECOND = testVoter('second', 32);

/** A log up to its roll. */
function begun(voters: readonly TestVoter[] = VOTERS, names: 'public' | 'pseudonym' = 'public'): LogBuilder {
  const log = new LogBuilder();
  log.genesis({ policy: { names } });
  log.roll(sorted(voters));
  return log;
}

/** What a log with this genesis would hold of an enrolment. */
function signed(
  { electionId }: LogBuilder,
  old: Pick<TestVoter, 'seed'>,
  own: Pick<TestVoter, 'seed'>,
): { readonly kind: 'enrolment' } & EnrolledKey {
  const { voter, key, voterSignature, keySignature } = signEnrolment(
    CID.parse(electionId),
    old.seed,
    own.seed,
  );
  return { kind: 'enrolment', voter, key, voterSignature, keySignature };
}

function enrol(
  log: LogBuilder,
  voter: Pick<TestVoter, 'seed'>,
  own: Pick<TestVoter, 'seed'>,
  change: Partial<EnrolledKey> = {},
): number {
  return log.append({ ...signed(log, voter, own), ...change });
}

async function report(log: LogBuilder): Promise<AuditReport> {
  log.checkpoint();
  return audit(log.source(), { checker: inProcessChecker() });
}

const check = ({ checks }: AuditReport, id: string) => checks.find((one) => one.id === id);

/** Asserts that a log is found out at an entry, by the check of enrolments unless another is named. */
async function found(log: LogBuilder, seq: number, message: RegExp, id = 'enrolments'): Promise<AuditReport> {
  const audited = await report(log);
  assert.equal(audited.verdict, 'invalid');
  assert.deepEqual([audited.first?.seq, audited.first?.check], [seq, id]);
  assert.match(audited.first?.message ?? '', message);
  return audited;
}

describe('the audit of a log with own keys', () => {
  it('counts ballots by them, with the weight and as the vote of the voter on the roll', async () => {
    const log = begun();
    enrol(log, BO, OWN);
    enrol(log, AMARA, SECOND);
    log.openRound(1);
    log.cast(OWN, 1, [[0]]);
    log.cast(OWN, 2, [[1]]);
    log.cast(SECOND, 1, [[1]]);
    log.cast(CHIARA, 1, [[2]]);
    log.checkpoint();
    const checker = createChecker({ workers: 2 });
    try {
      for (const one of [inProcessChecker(), checker]) {
        const audited = await audit(log.source(), { checker: one });
        assert.equal(audited.verdict, 'valid');
        assert.equal(check(audited, 'enrolments')?.verdict, 'valid');
        assert.equal(audited.enrolled, 2);
        assert.deepEqual(audited.rounds[0]?.result.questions[0]?.answers, [0, 4, 1]);
        assert.equal(audited.rounds[0].result.turnout.voted, 3);
      }
    } finally {
      await checker.close();
    }
  });

  it('has nothing to check where nobody enrolled', async () => {
    const audited = await report(begun());
    assert.deepEqual(
      [check(audited, 'enrolments')?.verdict, check(audited, 'enrolments')?.note, audited.enrolled],
      ['not-applicable', 'nobody enrolled one', 0],
    );
  });

  it('accepts a voter whose name is the pseudonym of the key on the roll', async () => {
    const voters = pseudonymous(VOTERS);
    const log = begun(voters, 'pseudonym');
    enrol(log, voters[2] as TestVoter, OWN);
    log.openRound(1);
    log.cast(OWN, 1, [[0]]);
    assert.equal((await report(log)).verdict, 'valid');
  });

  it('holds for as many as the tables have to grow for', async () => {
    const many = Array.from({ length: 1500 }, (_, index) => {
      const seed = new Uint8Array(32).fill(0x5c);
      new DataView(seed.buffer).setUint16(0, index);
      return seed;
    });
    const voters = many.slice(0, 700).map((seed, index) => ({
      ...testVoter(`v${String(index).padStart(4, '0')}`, 1),
      seed,
      key: publicKeyOf(seed),
    }));
    const log = begun(voters);
    for (const [index, voter] of voters.entries())
      enrol(log, voter, { seed: many[700 + index] as Uint8Array });
    log.openRound(1);
    for (const index of voters.keys()) log.cast({ seed: many[700 + index] as Uint8Array }, 1, [[0]]);
    const audited = await report(log);
    assert.deepEqual([audited.verdict, audited.enrolled], ['valid', 700]);
    assert.equal(audited.rounds[0]?.result.turnout.voted, 700);
  });
});

describe('an authority that logs an enrolment it had to refuse is found out', () => {
  it('for a signature that is not that of the key on the roll', async () => {
    const log = begun();
    const forged = signEnrolment(CID.parse(log.electionId), CHIARA.seed, OWN.seed);
    const seq = enrol(log, AMARA, OWN, { voterSignature: forged.voterSignature });
    log.openRound(1);
    const ballot = log.cast(OWN, 1, [[0]]);
    log.cast(AMARA, 1, [[0]]);
    const audited = await found(log, seq, /by the key on the roll is not valid/);
    assert.equal(audited.enrolled, 0);
    // The forged key is nobody's; the voter's own stands.
    const eligibility = check(audited, 'eligibility');
    assert.deepEqual(
      eligibility?.findings.map((one) => one.seq),
      [ballot],
    );
  });

  it('for a new key that did not sign', async () => {
    const log = begun();
    const other = signEnrolment(CID.parse(log.electionId), AMARA.seed, SECOND.seed);
    await found(log, enrol(log, AMARA, OWN, { keySignature: other.keySignature }), /by the new key is not/);
  });

  it('for one signed for another election', async () => {
    const log = begun();
    const elsewhere = new LogBuilder();
    elsewhere.genesis({ title: 'Another' });
    await found(log, log.append(signed(elsewhere, AMARA, OWN)), /is not valid/);
  });

  it('for a key that is not on the roll', async () => {
    const log = begun();
    await found(log, enrol(log, SECOND, OWN), /by a key that is not on the roll/);
  });

  it('for a voter who enrolled before, by the old key or by the new one', async () => {
    for (const second of [AMARA, OWN]) {
      const log = begun();
      enrol(log, AMARA, OWN);
      const audited = await found(log, enrol(log, second, SECOND), /its voter enrolled before/);
      assert.equal(audited.enrolled, 1);
    }
  });

  it('for a new key that is another voter’s, that was one, or that another enrolled', async () => {
    const onRoll = begun();
    await found(onRoll, enrol(onRoll, AMARA, BO), /the new key is on the roll already/);
    for (const taken of [OWN, BO]) {
      const log = begun();
      enrol(log, BO, OWN);
      await found(log, enrol(log, AMARA, taken), /the new key is in an earlier enrolment/);
    }
  });

  it('for an unacceptable key, and for the old key as the new one', async () => {
    const weak = begun();
    await found(weak, enrol(weak, AMARA, OWN, { key: new Uint8Array(32) }), /not an acceptable Ed25519 key/);
    const same = begun();
    await found(same, enrol(same, AMARA, AMARA), /the new key is the old one/);
  });

  it('for one after the first round was opened, or before the roll is complete', async () => {
    const late = begun();
    late.openRound(1);
    await found(late, enrol(late, AMARA, OWN), /while the election is open/);
    const between = begun();
    between.openRound(1);
    between.close(1);
    const none = { answers: [0, 0, 0], blank: 0, winners: [] };
    between.append({
      ...{ kind: 'result', round: 1, questions: [none] },
      turnout: { voters: 5, weight: 8, voted: 0, votedWeight: 0, ballots: 0 },
    });
    await found(between, enrol(between, AMARA, OWN), /after the first round was opened/);
    const early = new LogBuilder();
    early.genesis();
    await found(early, enrol(early, AMARA, OWN), /while the election is enrolling/);
  });

  it('for a ballot by the key that was replaced', async () => {
    const log = begun();
    enrol(log, AMARA, OWN);
    log.openRound(1);
    const seq = log.cast(AMARA, 1, [[0]]);
    const audited = await found(log, seq, /not on the roll, or its voter enrolled another/, 'eligibility');
    assert.equal(audited.rounds[0]?.result.turnout.voted, 0);
  });
});
