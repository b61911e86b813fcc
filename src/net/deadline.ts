/** A signal that aborts after so long, or when one of others does; until `clear`. */
export interface Deadline {
  readonly signal: AbortSignal;
  /** Frees what it holds; the signal aborts no more. */
  readonly clear: () => void;
}

/**
 * A deadline that is kept whoever holds its signal. (In Node 20 `AbortSignal.timeout` inside `AbortSignal.any` may be collected as garbage
 * before its time, and whoever waits for it waits for ever.)
 */
export function deadlineAfter(ms: number, message: string, ...others: readonly AbortSignal[]): Deadline {
  const controller = new AbortController();
  const onAbort = (): void => {
    clearTimeout(timer);
    controller.abort(others.find(({ aborted }) => aborted)?.reason);
  };
  const timer = setTimeout(() => {
    controller.abort(new DOMException(message, 'TimeoutError'));
  }, ms);
  for (const other of others) other.addEventListener('abort', onAbort);
  if (others.some(({ aborted }) => aborted)) onAbort();
  return {
    signal: controller.signal,
    clear: () => {
      clearTimeout(timer);
      for (const other of others) other.removeEventListener('abort', onAbort);
    },
  };
}
