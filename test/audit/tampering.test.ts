import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { inProcessChecker } from '#src/audit/checker.js';
import type { Finding } from '#src/audit/report.js';
import { audit } from '#src/audit/run.js';
import { signCheckpoint } from '#src/log/checkpoint.js';
import { AT, LogBuilder, VOTERS, memoryLog, sampleLog } from '../support/build-log.js';
import { testKey } from '../support/test-keys.js';

const sample = sampleLog();
const { entries, checkpoints } = sample;
const SIZES = checkpoints.map((text) => Number(text.split('\n')[1]));

interface Seen {
  readonly first: Finding;
  readonly invalid: readonly string[];
  readonly findings: readonly Finding[];
}

/** Audits what must not pass. */
async function invalid(
  log: { readonly entries: readonly Uint8Array[]; readonly checkpoints: readonly string[] },
  knownCheckpoints: readonly string[] = [],
): Promise<Seen> {
  const report = await audit(memoryLog(log.entries, log.checkpoints), {
    checker: inProcessChecker(),
    knownCheckpoints,
  });
  assert.equal(report.verdict, 'invalid');
  const bad = report.checks.filter(({ verdict }) => verdict === 'invalid');
  assert.ok(report.first);
  return {
    first: report.first,
    invalid: bad.map(({ id }) => id),
    findings: bad.flatMap(({ findings }) => findings),
  };
}

/** Whether a finding names a place from entry `from` to entry `to`, or a checkpoint over the first of them. */
function names(finding: Finding, from: number, to: number): boolean {
  if (finding.seq !== undefined) return finding.seq >= from && finding.seq <= to;
  return finding.checkpointSize !== undefined && finding.checkpointSize > from;
}

const anyEntry = fc.nat(entries.length - 1);

describe('a log that was changed after it was signed', () => {
  it('is invalid at the changed entry, the one after it, or a checkpoint over it, whichever byte is flipped', async () => {
    const flip = anyEntry.chain((seq) =>
      fc.record({
        seq: fc.constant(seq),
        at: fc.nat((entries[seq] as Uint8Array).length - 1),
        bits: fc.integer({ min: 1, max: 255 }),
      }),
    );
    await fc.assert(
      fc.asyncProperty(flip, async ({ seq, at, bits }) => {
        const bytes = Uint8Array.from(entries[seq] as Uint8Array);
        bytes[at] = (bytes[at] as number) ^ bits;
        const { first, invalid: checks } = await invalid({ entries: entries.with(seq, bytes), checkpoints });
        assert.ok(names(first, seq, seq + 1), JSON.stringify(first));
        // Whatever else it does, it can't come out right under the authority's signature.
        assert.ok(checks.includes('root'));
      }),
      { numRuns: 150 },
    );
  });

  it('is invalid at the place where an entry is missing', async () => {
    for (const seq of entries.keys()) {
      const { first } = await invalid({ entries: entries.filter((_, index) => index !== seq), checkpoints });
      assert.ok(names(first, seq, seq), `${seq}: ${JSON.stringify(first)}`);
      if (seq < entries.length - 1) assert.equal(first.check, 'chain');
    }
  });

  it('is invalid at the place where an entry comes twice', async () => {
    for (const seq of entries.keys()) {
      const { first, invalid: checks } = await invalid({
        entries: entries.toSpliced(seq, 0, entries[seq] as Uint8Array),
        checkpoints,
      });
      assert.deepEqual([first.check, first.seq], ['chain', seq + 1]);
      assert.ok(checks.includes('root'));
    }
  });

  it('is invalid at the place where two entries changed places', async () => {
    await fc.assert(
      fc.asyncProperty(anyEntry, anyEntry, async (one, other) => {
        fc.pre(one !== other);
        const swapped = entries
          .with(one, entries[other] as Uint8Array)
          .with(other, entries[one] as Uint8Array);
        const { first } = await invalid({ entries: swapped, checkpoints });
        assert.deepEqual([first.check, first.seq], ['chain', Math.min(one, other)]);
      }),
      { numRuns: 40 },
    );
  });

  it('is invalid where bytes that are no entry were put in', async () => {
    await fc.assert(
      fc.asyncProperty(anyEntry, fc.uint8Array({ maxLength: 300 }), async (seq, bytes) => {
        const { first } = await invalid({ entries: entries.toSpliced(seq, 0, bytes), checkpoints });
        assert.ok(names(first, seq, seq), JSON.stringify(first));
      }),
      { numRuns: 50 },
    );
  });

  it('has one finding in its chain for each break, not one for each entry after it', async () => {
    const { findings } = await invalid({ entries: entries.toSpliced(5, 1), checkpoints });
    assert.equal(findings.filter(({ check }) => check === 'chain').length, 1);
  });

  it('is checked to its end for what needs no sound beginning', async () => {
    const bytes = Uint8Array.from(entries[15] as Uint8Array);
    bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 1;
    const { findings } = await invalid({
      entries: entries.with(15, Uint8Array.of(1, 2, 3)).toSpliced(5, 1),
      checkpoints,
    });
    assert.ok(findings.some(({ check, seq }) => check === 'chain' && seq === 5));
    assert.ok(findings.some(({ check, seq }) => check === 'format' && seq === 14));
  });
});

describe('a log that was rolled back', () => {
  it('is invalid behind each checkpoint that is known', async () => {
    for (const [index, known] of checkpoints.entries()) {
      const size = SIZES[index] as number;
      for (let left = 1; left < size; left++) {
        const kept = checkpoints.filter((_, at) => (SIZES[at] as number) <= left);
        const { findings } = await invalid({ entries: entries.slice(0, left), checkpoints: kept }, [known]);
        const found = findings.find(({ check }) => check === 'history');
        assert.equal(found?.checkpointSize, size);
      }
    }
  });

  it('is invalid when its own checkpoints were left, or its newest is gone', async () => {
    const short = await invalid({ entries: entries.slice(0, 12), checkpoints });
    assert.deepEqual([short.invalid, short.first.checkpointSize], [['root', 'checkpoints'], 18]);
    const uncovered = await invalid({ entries, checkpoints: checkpoints.slice(0, -1) });
    assert.deepEqual([uncovered.invalid, uncovered.first.seq], [['root'], SIZES.at(-2)]);
    const none = await invalid({ entries, checkpoints: [] });
    assert.deepEqual(none.invalid, ['root']);
  });

  it('is invalid when another history was written over the one that is known', async () => {
    const other = new LogBuilder();
    other.genesis();
    other.roll(VOTERS.map((voter) => ({ ...voter, weight: voter.weight + 1 })));
    other.checkpoint();
    assert.equal(other.electionId, sample.electionId);
    const fork = await invalid(other, [checkpoints[0] as string]);
    assert.deepEqual(fork.invalid, ['history']);
    assert.equal(fork.first.checkpointSize, 3);
  });
});

describe('checkpoints that the authority did not sign for this log', () => {
  const root = new Uint8Array(32).fill(7);
  const stranger = testKey(99);

  it('are found by size: another root, another key, another election, another size', async () => {
    const { authority, origin } = sample;
    const size = SIZES[1] as number;
    const sign = (head: { origin: string; size: number; root: Uint8Array }, key = authority) =>
      signCheckpoint(head, key.seed, key.publicKey);
    const forged = {
      'another root': sign({ origin, size, root }),
      'another key': sign({ origin, size, root }, stranger),
      'another election': sign({ origin: 'psephos/other', size, root }),
    };
    for (const [what, text] of Object.entries(forged)) {
      const { first, invalid: checks } = await invalid({ entries, checkpoints: checkpoints.with(1, text) });
      assert.deepEqual([checks, first.checkpointSize], [['checkpoints'], size], what);
      const known = await invalid({ entries, checkpoints }, [text]);
      assert.deepEqual([known.invalid, known.first.checkpointSize], [['history'], size], what);
      const newest = await invalid({ entries: entries.slice(0, size), checkpoints: [text] });
      assert.ok(newest.invalid.includes('root'), what);
    }
  });

  it('are found when their text is altered in any place', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat((checkpoints[2] as string).length - 1),
        fc.constantFrom('A', '0', '\n', ' '),
        async (at, character) => {
          const text = checkpoints[2] as string;
          const altered = text.slice(0, at) + character + text.slice(at + 1);
          fc.pre(altered !== text);
          const { invalid: checks } = await invalid({ entries, checkpoints: checkpoints.with(2, altered) });
          assert.deepEqual(checks, ['checkpoints']);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('are found when they are out of order, and then no more are read', async () => {
    const twice = await invalid({
      entries,
      checkpoints: checkpoints.toSpliced(1, 0, checkpoints[0] as string),
    });
    assert.deepEqual([twice.invalid, twice.first.checkpointSize], [['checkpoints'], SIZES[0]]);
    const back = await invalid({
      entries,
      checkpoints: checkpoints.toSpliced(3, 0, checkpoints[0] as string),
    });
    assert.deepEqual([back.invalid, back.first.checkpointSize], [['checkpoints'], SIZES[0]]);
    assert.equal(back.findings.length, 1);
  });

  it('do not stop the audit of the entries', async () => {
    const flipped = Uint8Array.from(entries[AT.ballots] as Uint8Array);
    flipped[200] = (flipped[200] as number) ^ 1;
    const { first } = await invalid({
      entries: entries.with(AT.ballots, flipped),
      checkpoints: ['nonsense', 'more\n', ...checkpoints],
    });
    assert.deepEqual([first.check, first.checkpointSize, first.seq], ['checkpoints', undefined, undefined]);
  });
});
