import { unreachable } from '../../base/errors.ts';

/** What waiting needs of the outside world. */
export interface Patience {
  /** Resolves after so many ms, or once the signal is aborted. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Aborted when nobody waits any more. */
  readonly signal: AbortSignal;
}

/** Does something whose signal is aborted after `ms`; `work` must end soon after that. */
export async function withDeadline<T>(
  ms: number,
  { pause, signal }: Patience,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  const end = (): void => {
    over.abort(unreachable('timed-out', 'No answer came in time.'));
  };
  signal.addEventListener('abort', end, { once: true });
  if (signal.aborted) end();
  const timer = pause(ms, over.signal).then(end);
  try {
    return await work(over.signal);
  } finally {
    signal.removeEventListener('abort', end);
    end();
    await timer;
  }
}

/** As `work`, but rejects with the signal's reason once that is aborted; what becomes of `work` then is of no interest. */
export async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      reject(signal.reason as Error);
    };
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    const settled = (): void => {
      signal.removeEventListener('abort', stop);
    };
    work.then(resolve, reject).then(settled, settled);
  });
}
