import { unreachable } from '../../base/errors.ts';

/** What a promise comes to; rejects with `too-slow` where that takes longer than so many ms. What comes later is dropped. */
export async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(unreachable('too-slow', `It did not answer within ${Math.ceil(ms / 1000)} s.`));
    }, ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
    // Nobody waits for it any more; its failure must not count as unhandled.
    promise.catch(() => undefined);
  }
}
