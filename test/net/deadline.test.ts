import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { deadlineAfter } from '#src/net/deadline.js';

/** The garbage collector, which is not at hand unless it is asked for. */
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** As an operation that waits until it is told to give up: it holds the signal by a listener alone. */
function givesUp(signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => {
      resolve(signal.reason);
    });
  });
}

describe('a deadline', () => {
  it('comes, whatever the garbage collector does', async () => {
    const outer = new AbortController();
    const collecting = setInterval(collect, 10);
    try {
      const reason = await givesUp(deadlineAfter(100, 'no answer', outer.signal).signal);
      assert.ok(reason instanceof DOMException);
      assert.deepEqual([reason.name, reason.message], ['TimeoutError', 'no answer']);
    } finally {
      clearInterval(collecting);
    }
  });

  it('comes early where one of the others aborts, with its reason', async () => {
    const [first, second] = [new AbortController(), new AbortController()];
    const { signal } = deadlineAfter(60_000, 'no answer', first.signal, second.signal);
    const why = new Error('stopped');
    const told = givesUp(signal);
    second.abort(why);
    assert.equal(await told, why);
  });

  it('has come where one of the others has aborted before', () => {
    const why = new Error('stopped');
    const { signal, clear } = deadlineAfter(60_000, 'no answer', AbortSignal.abort(why));
    clear();
    assert.equal(signal.reason, why);
  });

  it('does not come once it is cleared', () => {
    const outer = new AbortController();
    const { signal, clear } = deadlineAfter(60_000, 'no answer', outer.signal);
    clear();
    outer.abort();
    assert.equal(signal.aborted, false);
  });
});
