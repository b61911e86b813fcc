import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CHECKS, Findings, MAX_FINDINGS, describeFinding } from '#src/audit/report.js';

const verdicts = (findings: Findings) =>
  Object.fromEntries(findings.checks().map(({ id, verdict }) => [id, verdict]));

describe('the findings of an audit', () => {
  it('leave every check valid while there are none', () => {
    const findings = new Findings();
    assert.equal(findings.verdict(), 'valid');
    assert.deepEqual(
      findings.checks().map(({ id, verdict }) => [id, verdict]),
      CHECKS.map(({ id }) => [id, 'valid']),
    );
    assert.equal(new Set(CHECKS.map(({ id }) => id)).size, CHECKS.length);
  });

  it('make their own check invalid, and the whole log', () => {
    for (const { id } of CHECKS) {
      const findings = new Findings();
      findings.add({ check: id, seq: 3, message: 'wrong' });
      assert.equal(findings.verdict(), 'invalid');
      assert.deepEqual(findings.first, { check: id, seq: 3, message: 'wrong' });
      for (const [check, verdict] of Object.entries(verdicts(findings))) {
        assert.equal(verdict, check === id ? 'invalid' : 'valid');
      }
    }
  });

  it('weigh more than any excuse, and the first excuse more than later ones', () => {
    const findings = new Findings();
    findings.excuse(['tally', 'votes', 'roll'], 'not-judged', 'broken');
    findings.excuse(['tally', 'rounds'], 'not-applicable', 'nothing there');
    findings.add({ check: 'votes', message: 'wrong' });
    const { tally, votes, roll, rounds } = verdicts(findings);
    assert.deepEqual(
      { tally, votes, roll, rounds },
      { tally: 'not-judged', votes: 'invalid', roll: 'not-judged', rounds: 'not-applicable' },
    );
    assert.equal(findings.checks().find(({ id }) => id === 'tally')?.note, 'broken');
  });

  it('are kept up to a number, and counted beyond', () => {
    const findings = new Findings();
    for (let seq = 0; seq < 3 * MAX_FINDINGS; seq++) findings.add({ check: 'chain', seq, message: 'wrong' });
    const chain = findings.checks().find(({ id }) => id === 'chain');
    assert.equal(chain?.count, 3 * MAX_FINDINGS);
    assert.deepEqual(
      chain.findings.map(({ seq }) => seq),
      Array.from({ length: MAX_FINDINGS }, (_, seq) => seq),
    );
  });

  it('are told with their place', () => {
    assert.equal(describeFinding({ check: 'chain', seq: 7, message: 'why' }), 'entry 7: why');
    assert.equal(
      describeFinding({ check: 'root', checkpointSize: 7, message: 'why' }),
      'checkpoint of 7 entries: why',
    );
    assert.equal(describeFinding({ check: 'root', message: 'why' }), 'why');
  });
});
