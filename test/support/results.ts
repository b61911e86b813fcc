import assert from 'node:assert/strict';
import type { Result } from '#src/base/result.js';

/** The value of a result that must be one. */
export function valueOf<T>(result: Result<T, unknown>): T {
  if (!result.ok) assert.fail(`expected a value, got the error ${String(result.error)}`);
  return result.value;
}

/** The error of a result that must be one. */
export function errorOf<E>(result: Result<unknown, E>): E {
  if (result.ok) assert.fail('expected an error, got a value');
  return result.error;
}
