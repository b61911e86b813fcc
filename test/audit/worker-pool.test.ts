import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { type EntryChecker, inProcessChecker } from '#src/audit/checker.js';
import { MAX_TASK_ENTRIES } from '#src/audit/entry-check.js';
import { audit } from '#src/audit/run.js';
import { startEntryThreads } from '#src/audit/entry-threads.js';
import { createChecker, workerPool } from '#src/audit/worker-pool.js';
import { concatBytes } from '#src/base/bytes.js';
import { memoryLog, sampleLog } from '../support/build-log.js';

const sample = sampleLog();

/** A task that owns its buffers. */
const taskOf = (entries: readonly Uint8Array[]) => ({
  bytes: Uint8Array.from(concatBytes(...entries.map((entry) => Uint8Array.from(entry)))),
  lengths: Uint32Array.from(entries, (entry) => entry.length),
  policy: { secrecy: 'open', revote: 'last', names: 'public' } as const,
  genesis: undefined,
  sealed: [],
});

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe('the worker pool', () => {
  it('finds in any entries exactly what the calling thread finds', async () => {
    const pool = workerPool(2);
    const local = inProcessChecker();
    const entry = fc.oneof(
      fc.constantFrom(...sample.entries),
      fc.uint8Array({ maxLength: 50 }),
      fc
        .tuple(fc.constantFrom(...sample.entries), fc.nat(), fc.nat(255))
        .map(([bytes, at, value]) => Uint8Array.from(bytes).with(at % bytes.length, value)),
    );
    try {
      await fc.assert(
        fc.asyncProperty(fc.array(entry, { maxLength: 12 }), async (entries) => {
          const [here, there] = await Promise.all([
            local.entries(taskOf(entries)),
            pool.entries(taskOf(entries)),
          ]);
          assert.deepEqual(plain(there), plain(here));
        }),
        { numRuns: 60 },
      );
      const task = {
        texts: [...sample.checkpoints, 'nonsense'],
        origin: sample.origin,
        publicKey: sample.authority.publicKey,
      };
      assert.deepEqual(plain(await pool.checkpoints(task)), plain(await local.checkpoints(task)));
    } finally {
      await pool.close();
    }
  });

  it('gives an audit the same report', async () => {
    const reports = [];
    for (const checker of [
      workerPool(2),
      workerPool(1),
      createChecker({ workers: 0 }),
      createChecker({ workers: 2 }),
      createChecker({ threads: startEntryThreads(2) }),
      inProcessChecker(),
    ]) {
      const entries = sample.entries.toSpliced(6, 1, Uint8Array.of(1));
      reports.push(plain(await audit(memoryLog(entries, sample.checkpoints), { checker })));
      await checker.close();
    }
    for (const report of reports) assert.deepEqual(report, reports[0]);
  });

  it('keeps the order of a log that is longer than what is in flight', async () => {
    const checker = workerPool(3);
    // Every chunk is a batch of its own only when it is large, so bytes that are no entries stand in.
    const large = Array.from({ length: 40 }, (_, i) => new Uint8Array(300_000).fill(i));
    const report = await audit(memoryLog([...sample.entries, ...large], sample.checkpoints), { checker });
    await checker.close();
    assert.equal(report.size, sample.entries.length + large.length);
    assert.deepEqual(report.first?.seq, sample.entries.length);
    assert.equal(report.checks.find(({ id }) => id === 'format')?.count, large.length);
  });

  it('is never given more than it asked for', async () => {
    const pool = inProcessChecker();
    let flying = 0;
    let most = 0;
    const counting: EntryChecker = {
      ...pool,
      depth: 3,
      entries: async (task) => {
        most = Math.max(most, ++flying);
        await new Promise((resolve) => setImmediate(resolve));
        const checked = await pool.entries(task);
        flying--;
        return checked;
      },
    };
    const large = Array.from({ length: 20 }, () => new Uint8Array(300_000));
    await audit(memoryLog([...sample.entries, ...large], sample.checkpoints), { checker: counting });
    assert.equal(most, 3);
  });

  it('can be left in the middle of a log', async () => {
    const checker = workerPool(2);
    const asked = new AbortController();
    const reason = new Error('enough');
    const large = Array.from({ length: 40 }, () => new Uint8Array(300_000));
    const auditing = audit(memoryLog([...sample.entries, ...large], sample.checkpoints), {
      checker,
      signal: asked.signal,
      onProgress: () => {
        asked.abort(reason);
      },
    });
    await assert.rejects(auditing, reason);
    await checker.close();
  });

  it('fails every task when a worker fails, and the audit with it', async () => {
    const pool = workerPool(1);
    // More than a task may hold: the worker throws.
    const tooMany = { ...taskOf([]), lengths: new Uint32Array(MAX_TASK_ENTRIES + 1) };
    const failing = [pool.entries(tooMany), pool.entries(taskOf(sample.entries))];
    const results = await Promise.allSettled(failing);
    assert.deepEqual(
      results.map(({ status }) => status),
      ['rejected', 'rejected'],
    );
    await assert.rejects(pool.entries(taskOf(sample.entries)));
    await pool.close();
  });
});
