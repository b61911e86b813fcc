import { asError } from '../../base/errors.ts';
import type { Stream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface';

export interface SpliceLimits {
  /** Both ways together. */
  readonly bytes: number;
  readonly ms: number;
  /** For an end to take what it is sent. */
  readonly stalledMs: number;
}

/** Two streams, of which each gets what comes on the other. */
export interface Splice {
  /** Resolves when both have ended, whichever way. */
  readonly ended: Promise<void>;
  /** Resets both. */
  cut(reason: Error): void;
}

/**
 * Passes on what comes on either stream to the other, and reads no further on one while the other's peer is slow. Both are
 * reset beyond the limits, or when one is; `onBytes` is told of what is passed on.
 */
export function splice(
  one: Stream,
  other: Stream,
  limits: SpliceLimits,
  onBytes: (bytes: number) => void,
): Splice {
  let left = limits.bytes;
  const cut = (reason: Error): void => {
    one.abort(reason);
    other.abort(reason);
  };
  const pass = (bytes: number): boolean => {
    left -= bytes;
    if (left >= 0) {
      onBytes(bytes);
      return true;
    }
    cut(new Error('the relayed connection has carried all that it may'));
    return false;
  };
  const lifetime = setTimeout(() => {
    cut(new Error('the relayed connection has lasted as long as it may'));
  }, limits.ms);
  lifetime.unref();
  const ended = Promise.all([closed(one), closed(other)]).then(() => {
    clearTimeout(lifetime);
  });
  pump(one, other, limits.stalledMs, pass, cut);
  pump(other, one, limits.stalledMs, pass, cut);
  return { ended, cut };
}

function pump(
  from: Stream,
  to: Stream,
  stalledMs: number,
  pass: (bytes: number) => boolean,
  cut: (reason: Error) => void,
): void {
  let stall: NodeJS.Timeout | undefined;
  const flow = (): void => {
    clearTimeout(stall);
    stall = undefined;
    if (from.readStatus === 'paused') from.resume();
  };
  from.addEventListener('message', ({ data }: StreamMessageEvent) => {
    if (!pass(data.byteLength)) return;
    if (to.writeStatus !== 'writable') {
      cut(new Error('the other end of the relayed connection takes nothing any more'));
    } else if (!to.send(data)) {
      if (from.readStatus === 'readable') from.pause();
      stall ??= setTimeout(() => {
        cut(new Error('the other end of the relayed connection does not read'));
      }, stalledMs).unref();
    }
  });
  to.addEventListener('drain', () => {
    // libp2p sends what is queued in a microtask of its own, and may find the line full again.
    queueMicrotask(() => {
      if (!to.writableNeedsDrain && to.writeBufferLength === 0) flow();
      else stall?.refresh();
    });
  });
  from.addEventListener('end', () => {
    // After a reset the rest is of no use to anybody, and `close` says so.
    if (from.status === 'aborted' || from.status === 'reset') return;
    to.close().catch((error: unknown) => {
      cut(asError(error));
    });
  });
  from.addEventListener('close', ({ error }: StreamCloseEvent) => {
    // Both have ended, and what is on its way is still delivered.
    if (error === undefined && to.remoteWriteStatus === 'closed') return;
    clearTimeout(stall);
    // Without an error the connection below it is gone.
    to.abort(error ?? new Error('the other end of the relayed connection is gone'));
  });
  // A stream that ended before anyone listened says so to nobody.
  if (from.status === 'aborted' || from.status === 'reset' || from.status === 'closed')
    to.abort(new Error('the relayed connection was lost'));
}

function closed(stream: Stream): Promise<void> {
  if (stream.status !== 'open' && stream.status !== 'closing') return Promise.resolve();
  return new Promise((resolve) => {
    stream.addEventListener('close', () => {
      resolve();
    });
  });
}
