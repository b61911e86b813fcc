import { once } from 'node:events';
import type { Socket } from 'node:net';

/** Lines of text over a socket, each with a bound and a deadline: what the control socket speaks. */

/** A whole round of the longest questions does not fit, but a thousand candidates with long names do. */
export const MAX_CONTROL_LINE = 16 * 1024 * 1024;

/** The lines that come in. Rejects, as with the socket's own errors, where one is too long or late. */
export async function* readLines(socket: Socket, deadlineMs: number): AsyncGenerator<string> {
  let parts: Buffer[] = [];
  let length = 0;
  const keep = (part: Buffer) => {
    parts.push(part);
    length += part.length;
    if (length > MAX_CONTROL_LINE)
      throw socketError('EMSGSIZE', `a line of more than ${MAX_CONTROL_LINE} bytes`);
  };
  socket.setTimeout(deadlineMs, () => socket.destroy(timedOut()));
  for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    let from = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, from)) {
      keep(chunk.subarray(from, end));
      yield Buffer.concat(parts).toString('utf8');
      [parts, length, from] = [[], 0, end + 1];
    }
    keep(chunk.subarray(from));
  }
}

/** Writes a value as a line of JSON, and waits while the other side is behind. Rejects with `isSocketError` errors. */
export async function writeLine(socket: Socket, value: object, deadlineMs: number): Promise<void> {
  if (!socket.writable) throw socketError('EPIPE', 'the other side has gone');
  if (socket.write(`${JSON.stringify(value)}\n`)) return;
  const settled = new AbortController();
  const { signal } = settled;
  const timer = setTimeout(() => {
    settled.abort(timedOut());
  }, deadlineMs);
  try {
    await Promise.race([once(socket, 'drain', { signal }), once(socket, 'close', { signal })]);
  } catch (error) {
    throw signal.aborted ? timedOut() : error;
  } finally {
    clearTimeout(timer);
    // Takes the listeners off, of which a long answer would pile up hundreds.
    settled.abort();
  }
}

function timedOut(): Error {
  return socketError('ETIMEDOUT', 'the other side fell silent');
}

function socketError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

/** Errors of the system, and of streams that ended early; all others of Node's own (`ERR_…`) are defects. */
export function isSocketError(error: unknown): error is NodeJS.ErrnoException {
  return (
    error instanceof Error && 'code' in error && /^(?:E[A-Z0-9]+|ERR_STREAM_.*)$/.test(String(error.code))
  );
}

/** Undefined for what is no JSON at all: a schema refuses it like any other wrong value. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser throws for malformed text, and for nothing else.
    return undefined;
  }
}
