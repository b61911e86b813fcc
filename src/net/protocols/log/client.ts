import type { LogUpdate } from '../../../services/ports.ts';
import type { Exchange, Requester } from '../../requester.ts';
import { LOG } from './constants.ts';
import { type LogFrame, type LogRequest, logFrameSchema } from './messages.ts';

/**
 * Entries `from` up to, not including, `to` (or the end), in parts as they arrive; the peer is held back by a slow
 * consumer. A lost connection is taken up again after the last entry that came.
 */
export async function* askEntries(
  peer: Requester,
  from: number,
  to?: number,
): AsyncGenerator<readonly Uint8Array[]> {
  let next = from;
  const request = (): LogRequest => ({ what: 'entries', from: next, ...(to === undefined ? {} : { to }) });
  for await (const { frame, exchange } of frames(peer, request)) {
    if ('done' in frame) return;
    const { entries } = expectEntries(frame, exchange);
    if (to !== undefined && next + entries.length > to)
      throw exchange.badAnswer('more entries than were asked for');
    next += entries.length;
    yield entries;
  }
}

/** Checkpoints of size `from` and more, as `askEntries`. */
export async function* askCheckpoints(peer: Requester, from: number): AsyncGenerator<string> {
  let yielded = 0;
  let seen = 0;
  const request = (): LogRequest => {
    // After a reconnection all come again: those that were passed on already are skipped.
    seen = 0;
    return { what: 'checkpoints', from };
  };
  for await (const { frame, exchange } of frames(peer, request)) {
    if ('done' in frame) return;
    if (!('checkpoints' in frame)) throw exchange.badAnswer('entries where checkpoints were asked for');
    for (const checkpoint of frame.checkpoints) {
      seen += 1;
      if (seen <= yielded) continue;
      yielded += 1;
      yield checkpoint;
    }
  }
}

/**
 * Entries from index `from` with checkpoints among them, and then each one as it is added, until the consumer stops. A peer that says
 * nothing for `silenceMs` is connected to anew.
 */
export async function* followLog(
  peer: Requester,
  from: number,
  silenceMs: number,
): AsyncGenerator<LogUpdate> {
  let next = from;
  const request = (): LogRequest => ({ what: 'entries', from: next, follow: true, checkpoints: true });
  for await (const { frame } of frames(peer, request, silenceMs)) {
    if ('done' in frame) {
      yield { caughtUp: true, checkpoint: frame.latestCheckpoint };
    } else if ('checkpoints' in frame) {
      for (const checkpoint of frame.checkpoints) yield { checkpoint };
    } else {
      next += frame.entries.length;
      yield { entries: frame.entries };
    }
  }
}

/** The frames of an answer, over as many connections as it takes; `request` says what is still missing. */
async function* frames(
  peer: Requester,
  request: () => LogRequest,
  silenceMs?: number,
): AsyncGenerator<{ readonly frame: LogFrame; readonly exchange: Exchange }> {
  for (let failures = 0; ;) {
    let exchange: Exchange | undefined;
    try {
      exchange = await peer.open(LOG);
      const asked = request();
      const follows = 'follow' in asked && asked.follow === true;
      await exchange.send(asked);
      for (;;) {
        const frame = await exchange.next(logFrameSchema, silenceMs);
        failures = 0;
        const last = 'done' in frame && !follows;
        if (last) exchange.release();
        yield { frame, exchange };
        if (last) return;
      }
    } catch (error) {
      failures += 1;
      await peer.retry(error, failures);
    } finally {
      exchange?.drop();
    }
  }
}

function expectEntries(frame: LogFrame, exchange: Exchange): Extract<LogFrame, { entries: unknown }> {
  if (!('entries' in frame)) throw exchange.badAnswer('checkpoints where entries were asked for');
  return frame;
}
