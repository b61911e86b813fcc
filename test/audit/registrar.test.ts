import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inProcessChecker } from '#src/audit/checker.js';
import type { AuditReport } from '#src/audit/report.js';
import { audit } from '#src/audit/run.js';
import type { Policy, Voter } from '#src/election/entries.js';
import { makeRegistration, registrarFingerprint } from '#src/election/registration.js';
import { LogBuilder, VOTERS, pseudonymous, testVoter } from '../support/build-log.ts';
import { testKey } from '../support/test-keys.ts';

const REGISTRAR = testKey(41);
const UUID = '0191e7a4-7b1c-4f3a-9f5e-3b2a1c0d9e8f';
const KDF = { name: 'argon2id', ops: 2, mem: 19 << 20 } as const;
const FINGERPRINT = registrarFingerprint(REGISTRAR.publicKey);

interface Forgery {
  /** What is on the roll, where it is not what was signed. */
  readonly roll?: readonly Voter[];
  readonly genesis?: Parameters<LogBuilder['genesis']>[0];
  readonly chunk?: number;
}

/** A log whose authority was given the signed roll of `VOTERS`, chained and signed by the authority as it should be. */
function logOf({ roll = VOTERS, genesis = {}, chunk = 2 }: Forgery = {}, names: Policy['names'] = 'public') {
  const signed = names === 'public' ? VOTERS : pseudonymous(VOTERS);
  const { signature } = makeRegistration({ uuid: UUID, kdf: KDF, names }, signed, REGISTRAR.seed);
  const log = new LogBuilder();
  log.genesis({
    uuid: UUID,
    kdf: KDF,
    registrar: { key: REGISTRAR.publicKey, signature },
    policy: { names },
    ...genesis,
  });
  log.roll(roll === VOTERS ? signed : roll, chunk);
  log.openRound(1);
  log.checkpoint();
  return log;
}

const reportOf = (log: LogBuilder, expected: { readonly expectedRegistrar?: string } = {}) =>
  audit(log.source(), { checker: inProcessChecker(), ...expected });
const verdictOf = ({ checks }: AuditReport) => checks.find(({ id }) => id === 'registrar')?.verdict;

/** Expects that this check alone finds something, at the end of the roll or of no entry. */
async function expectFound(log: LogBuilder, seq: number | undefined): Promise<void> {
  const report = await reportOf(log);
  const invalid = report.checks.filter(({ verdict }) => verdict === 'invalid').map(({ id }) => id);
  assert.deepEqual(invalid, ['registrar'], JSON.stringify(report.first));
  assert.equal(report.first?.seq, seq);
  assert.equal(report.verdict, 'invalid');
}

describe('the audit of a registrar’s roll', () => {
  it('finds nothing where the log has the roll that was signed, in parts of whatever length', async () => {
    for (const names of ['public', 'pseudonym'] as const) {
      for (const chunk of [1, 2, 5]) {
        const report = await reportOf(logOf({ chunk }, names));
        assert.equal(report.verdict, 'valid', JSON.stringify(report.first));
        assert.equal(verdictOf(report), 'valid');
        assert.deepEqual(report.election?.registrar, { key: REGISTRAR.publicKey, fingerprint: FINGERPRINT });
      }
    }
  });

  it('finds a voter added, removed, reweighted, rekeyed or renamed', async () => {
    const [first, ...rest] = VOTERS;
    const end = (voters: number) => Math.ceil(voters / 2);
    await expectFound(logOf({ roll: [...VOTERS, testVoter('émilie', 77)] }), end(6));
    for (const gone of VOTERS)
      await expectFound(logOf({ roll: VOTERS.filter((voter) => voter !== gone) }), end(4));
    await expectFound(logOf({ roll: [{ ...first, weight: first.weight + 1 }, ...rest] }), end(5));
    await expectFound(logOf({ roll: [{ ...first, key: testKey(77).publicKey }, ...rest] }), end(5));
    await expectFound(logOf({ roll: [{ ...first, name: 'amar' }, ...rest] }), end(5));
  });

  it('finds keys that changed places', async () => {
    const [one, two, ...rest] = VOTERS;
    await expectFound(logOf({ roll: [{ ...one, key: two.key }, { ...two, key: one.key }, ...rest] }), 3);
  });

  it('finds a roll of another election, of another cost, and a signature by somebody else', async () => {
    const other = '1191e7a4-7b1c-4f3a-9f5e-3b2a1c0d9e8f';
    await expectFound(logOf({ genesis: { uuid: other } }), 3);
    await expectFound(logOf({ genesis: { kdf: { ...KDF, ops: 3 } } }), 3);
    await expectFound(logOf({ genesis: { kdf: { ...KDF, mem: 20 << 20 } } }), 3);
    const { signature } = makeRegistration(
      { uuid: UUID, kdf: KDF, names: 'public' },
      VOTERS,
      testKey(42).seed,
    );
    await expectFound(logOf({ genesis: { registrar: { key: REGISTRAR.publicKey, signature } } }), 3);
    const zeros = { key: new Uint8Array(32), signature: new Uint8Array(64) };
    await expectFound(logOf({ genesis: { registrar: zeros } }), 3);
  });

  it('finds a roll that was signed with usernames under a policy of pseudonyms', async () => {
    const roll = pseudonymous(VOTERS);
    await expectFound(logOf({ roll, genesis: { policy: { names: 'pseudonym' } } }), 3);
  });

  it('is excused where there is no registrar, and not made where the roll breaks off', async () => {
    const none = new LogBuilder();
    none.genesis();
    none.roll(VOTERS);
    none.checkpoint();
    const report = await reportOf(none);
    assert.deepEqual([report.verdict, verdictOf(report)], ['valid', 'not-applicable']);
    assert.equal(report.election?.registrar, undefined);
    const unordered = await reportOf(logOf({ roll: VOTERS.toReversed() }));
    assert.deepEqual([unordered.verdict, verdictOf(unordered)], ['invalid', 'not-judged']);
  });

  it('refuses another registrar than the expected one, and none', async () => {
    const expected = { expectedRegistrar: FINGERPRINT };
    assert.equal((await reportOf(logOf(), expected)).verdict, 'valid');
    const stranger = await reportOf(logOf(), { expectedRegistrar: 'AAAA-BBBB-CCCC-DDDD-EEEE' });
    assert.equal(verdictOf(stranger), 'invalid');
    assert.match(stranger.first?.message ?? '', new RegExp(`its registrar is ${FINGERPRINT}`));
    const none = new LogBuilder();
    none.genesis();
    none.roll(VOTERS);
    none.checkpoint();
    const report = await reportOf(none, expected);
    assert.deepEqual([report.verdict, verdictOf(report)], ['invalid', 'invalid']);
    assert.match(report.first?.message ?? '', /names no registrar/);
  });
});
