import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MemoryBudget } from '#src/net/memory-budget.js';

describe('a memory budget', () => {
  it('gives out what it has and no more', () => {
    const budget = new MemoryBudget(10);
    assert.equal(budget.tryTake(7), true);
    assert.equal(budget.tryTake(4), false);
    assert.equal(budget.tryTake(3), true);
    budget.release(4);
    assert.equal(budget.tryTake(4), true);
  });

  it('serves those who wait in their order, the small ones behind the large ones too', async () => {
    const budget = new MemoryBudget(10);
    assert.equal(await budget.take(10, 1000), true);
    const served: number[] = [];
    const waits = [8, 1, 1].map(async (bytes, i) => {
      assert.equal(await budget.take(bytes, 10_000), true);
      served.push(i);
    });
    budget.release(5);
    await new Promise(setImmediate);
    assert.deepEqual(served, []);
    budget.release(5);
    await Promise.all(waits);
    assert.deepEqual(served, [0, 1, 2]);
  });

  it('tells in time who is not served, and forgets them', async () => {
    const budget = new MemoryBudget(10);
    assert.equal(budget.tryTake(10), true);
    assert.equal(await budget.take(5, 10), false);
    budget.release(10);
    assert.equal(budget.tryTake(10), true);
  });

  it('a place in line that was given up does not hold up those behind it', async () => {
    const budget = new MemoryBudget(10);
    assert.equal(budget.tryTake(8), true);
    const large = budget.take(9, 20);
    const small = budget.take(2, 10_000);
    assert.equal(await large, false);
    assert.equal(await small, true);
  });
});
