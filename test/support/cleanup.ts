import type { TestContext } from 'node:test';

type Step = () => unknown;

const steps = new WeakMap<TestContext, Step[]>();

/**
 * Has `step` run when the test is over: the newest first, so that a folder goes after the program that writes to it, and
 * each of them even where another one failed, so that nothing lives on that would keep the run from ending. (The runner's own `after` runs
 * the oldest first and stops at the first failure.)
 */
export function cleanUp(t: TestContext, step: Step): void {
  const existing = steps.get(t);
  if (existing !== undefined) {
    existing.push(step);
    return;
  }
  const own = [step];
  steps.set(t, own);
  t.after(async () => {
    const failures: unknown[] = [];
    for (const next of own.reverse()) {
      try {
        await next();
      } catch (failure) {
        failures.push(failure);
      }
    }
    if (failures.length === 1) throw failures[0];
    if (failures.length > 1) throw new AggregateError(failures, 'cleaning up failed');
  });
}
