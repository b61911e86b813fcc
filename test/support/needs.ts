import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';

/**
 * Whether a test can run that needs something from outside npm. Where it is absent the test is skipped with a line that
 * says what is missing; CI installs everything, so there the test fails. Use: `if (!needs(t, 'go', found)) return;`
 */
export function needs(t: TestContext, name: string, present: boolean): boolean {
  return holds(t, `${name} is not installed here`, present);
}

/** As `needs`, for what can't be installed; `missing` is the line. */
export function holds(t: TestContext, missing: string, present: boolean): boolean {
  if (present) return true;
  if (process.env['CI'] === 'true') assert.fail(missing);
  t.skip(missing);
  return false;
}
