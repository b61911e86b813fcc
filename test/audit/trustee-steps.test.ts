import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inProcessChecker } from '#src/audit/checker.js';
import type { AuditReport, CheckId } from '#src/audit/report.js';
import { audit } from '#src/audit/run.js';
import { proveReadiness } from '#src/belenios/v1/readiness.js';
import { generateTrustee } from '#src/belenios/v1/trustees.js';
import { encodeTrustees } from '#src/belenios/v1/encoding/trustees.js';
import { SEALING } from '#src/election/entries.js';
import { platformRandom } from '#src/services/platform-random.js';
import { LogBuilder, VOTERS } from '../support/build-log.ts';
import { type Invited, MadeCeremony, invited } from '../support/made-ceremony.ts';
import { valueOf } from '../support/results.ts';

/** A log, properly chained and signed, in which a ceremony is begun. */
function begun(who: Invited): { readonly log: LogBuilder; readonly ceremony: MadeCeremony } {
  const log = new LogBuilder();
  log.genesis({ policy: { secrecy: 'sealed' } });
  log.roll(VOTERS);
  log.append({ kind: 'ceremony', step: { kind: 'start', ...who.start } });
  const { cid } = log.head;
  assert.ok(cid !== null);
  return { log, ceremony: new MadeCeremony(who, cid) };
}

/** The same with all steps, and the trustees that they made. */
function made(who: Invited) {
  const { log, ceremony } = begun(who);
  for (const step of ceremony.run().steps) log.append({ kind: 'ceremony', step });
  const { trustees } = ceremony.record;
  assert.ok(trustees !== undefined);
  log.append({ kind: 'trustees', protocol: SEALING, trustees });
  return { log, ceremony };
}

function call(log: LogBuilder) {
  log.append({ kind: 'call' });
  const { cid } = log.head;
  assert.ok(cid !== null);
  return { cid, question: { electionId: log.electionId, call: cid.toString() } };
}

function reportOf(log: LogBuilder): Promise<AuditReport> {
  log.checkpoint();
  return audit(log.source(), { checker: inProcessChecker() });
}

async function expectFound(check: CheckId, log: LogBuilder, seq: number): Promise<void> {
  const { first } = await reportOf(log);
  assert.deepEqual([first?.check, first?.seq], [check, seq], JSON.stringify(first));
}

describe('the audit of trustees’ steps', () => {
  it('finds nothing wrong with a ceremony, a call and its answers, and says how far they came', async () => {
    const { log, ceremony } = made(invited(1, 3, 2));
    const { cid, question } = call(log);
    const secret = valueOf(ceremony.participant(3).secret(3));
    log.append({
      kind: 'readiness',
      trustee: 3,
      call: cid,
      proof: proveReadiness({ ...question, trustee: 3 }, secret, platformRandom),
    });
    const report = await reportOf(log);
    assert.equal(report.first, undefined, JSON.stringify(report.first));
    const verdict = (id: CheckId) => report.checks.find((one) => one.id === id)?.verdict;
    assert.deepEqual([verdict('ceremony'), verdict('readiness')], ['valid', 'valid']);
    assert.equal(report.trustees?.keys.length, 4);
    assert.deepEqual(
      report.call?.answers.map(({ trustee }) => trustee),
      [3],
    );
    assert.equal(report.ceremony?.record.trustees, ceremony.record.trustees);
  });

  it('finds a step with another signature, text or author', async () => {
    for (const change of [
      (ceremony: MadeCeremony) => ({ ...ceremony.step(1), signature: ceremony.step(2).signature }),
      (ceremony: MadeCeremony) => ({ ...ceremony.step(1), text: ceremony.step(2).text }),
      (ceremony: MadeCeremony) => ({ ...ceremony.step(2), trustee: 1 }),
    ]) {
      const { log, ceremony } = begun(invited(0, 2, 2));
      for (const step of ceremony.run('polynomial').steps) log.append({ kind: 'ceremony', step });
      await expectFound('ceremony', log, log.append({ kind: 'ceremony', step: change(ceremony) }));
    }
  });

  it('finds trustees that the ceremony did not make, or before it was done', async () => {
    const others = encodeTrustees([{ kind: 'Single', key: generateTrustee(platformRandom).publicKey }]);
    for (const until of ['share', undefined] as const) {
      const { log, ceremony } = begun(invited(0, 2, 2));
      for (const step of ceremony.run(until).steps) log.append({ kind: 'ceremony', step });
      await expectFound(
        'ceremony',
        log,
        log.append({ kind: 'trustees', protocol: SEALING, trustees: others }),
      );
    }
  });

  it('finds steps that may not stand there: twice, of nobody who was invited, after the end', async () => {
    const { log, ceremony } = made(invited(0, 2, 2));
    const [step] = ceremony.steps;
    assert.ok(step !== undefined);
    await expectFound('rounds', log, log.append({ kind: 'ceremony', step }));
    const second = begun(invited(0, 2, 2));
    const own = second.ceremony.step(1);
    second.log.append({ kind: 'ceremony', step: own });
    await expectFound('rounds', second.log, second.log.append({ kind: 'ceremony', step: own }));
    const third = begun(invited(0, 2, 2));
    const foreign = { ...third.ceremony.step(1), trustee: 3 };
    await expectFound('rounds', third.log, third.log.append({ kind: 'ceremony', step: foreign }));
  });

  for (const [what, forge] of [
    ['by another trustee', { trustee: 2, secretOf: 1 }],
    ['by nobody', { trustee: 3, secretOf: 1 }],
    ['for the call before', { trustee: 1, secretOf: 1, earlier: true }],
    ['that is none', { trustee: 1, secretOf: 1, proof: '{}' }],
  ] as const)
    it(`finds an answer ${what}`, async () => {
      const { log, ceremony } = made(invited(0, 2, 2));
      const secret = valueOf(ceremony.participant(forge.secretOf).secret(forge.secretOf));
      const before = call(log).question;
      const { cid, question } = call(log);
      const { trustee } = forge;
      const proof =
        'proof' in forge
          ? forge.proof
          : proveReadiness(
              { ...('earlier' in forge ? before : question), trustee: forge.secretOf },
              secret,
              platformRandom,
            );
      await expectFound('readiness', log, log.append({ kind: 'readiness', trustee, call: cid, proof }));
    });

  it('finds answers that nobody asked for, and second ones', async () => {
    const { log, ceremony } = made(invited(0, 1, 1));
    const secret = valueOf(ceremony.participant(1).secret(1));
    const { cid, question } = call(log);
    const proof = proveReadiness({ ...question, trustee: 1 }, secret, platformRandom);
    log.append({ kind: 'readiness', trustee: 1, call: cid, proof });
    await expectFound('rounds', log, log.append({ kind: 'readiness', trustee: 1, call: cid, proof }));
    const other = made(invited(0, 1, 1));
    await expectFound(
      'rounds',
      other.log,
      other.log.append({ kind: 'readiness', trustee: 1, call: cid, proof }),
    );
  });
});
