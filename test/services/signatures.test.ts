import assert from 'node:assert/strict';
import { type TestContext, describe, it } from 'node:test';
import fc from 'fast-check';
import { publicKeyOf, sign } from '#src/crypto/signature.js';
import { packTasks, unpackTasks } from '#src/services/signatures/packing.js';
import { signaturePool } from '#src/services/signatures/pool.js';
import { cleanUp } from '../support/cleanup.ts';
import { testSeed } from '../support/temp-election.ts';

function task(number: number, altered = false) {
  const message = new Uint8Array(100 + number).fill(number);
  const signature = sign(message, testSeed(number));
  if (altered) signature[40] = (signature[40] as number) ^ 1;
  return { message, signature, key: publicKeyOf(testSeed(number)) };
}

function pool(t: TestContext, workers: number) {
  const verifier = signaturePool(workers);
  cleanUp(t, () => verifier.close());
  return verifier;
}

describe('signatures verified in worker threads', () => {
  it('get each its own verdict, however many come at once', async (t) => {
    const verifier = pool(t, 2);
    const numbers = Array.from({ length: 200 }, (_, number) => number);
    const verdicts = await Promise.all(numbers.map((n) => verifier.verify(task(n, n % 7 === 3))));
    assert.deepEqual(
      verdicts,
      numbers.map((n) => n % 7 !== 3),
    );
  });

  it('are verified one at a time, too', async (t) => {
    const verifier = pool(t, 1);
    assert.equal(await verifier.verify(task(1)), true);
    assert.equal(await verifier.verify(task(2, true)), false);
    assert.equal(await verifier.verify({ ...task(3), key: publicKeyOf(testSeed(4)) }), false);
  });

  it('get each its own verdict, however they are spread over time', async (t) => {
    const verifier = pool(t, 1);
    const numbers = Array.from({ length: 150 }, (_, number) => number);
    const tasks = numbers.map((n) => task(n, n % 5 === 2));
    const verdicts = await Promise.all(
      numbers.map(async (n) => {
        // From several in one turn to a few in a millisecond, to pauses longer than any gathering.
        await new Promise((resolve) => setTimeout(resolve, n < 100 ? n / 4 : 25 + (n - 100) * 2));
        return verifier.verify(tasks[n] as (typeof tasks)[number]);
      }),
    );
    assert.deepEqual(
      verdicts,
      numbers.map((n) => n % 5 !== 2),
    );
  });

  it('travel packed, and come out as they went in', () => {
    const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
    const one = fc.record(
      {
        key: bytes(32),
        signature: bytes(64),
        message: fc.uint8Array({ maxLength: 300 }),
      },
      { noNullPrototype: true },
    );
    fc.assert(
      fc.property(fc.array(one, { maxLength: 40 }), (tasks) => {
        assert.deepEqual(unpackTasks(packTasks(tasks)), tasks);
      }),
    );
    assert.throws(() => packTasks([{ ...task(1), key: new Uint8Array(31) }]), RangeError);
  });
});
