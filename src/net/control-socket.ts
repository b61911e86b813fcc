import { createHash } from 'node:crypto';
import { chmod, unlink } from 'node:fs/promises';
import { type Server, type Socket, createConnection, createServer } from 'node:net';
import { once } from 'node:events';
import { relative, resolve } from 'node:path';
import * as z from 'zod';
import { type FailureKind, PsephosError, refused, unreachable } from '../base/errors.ts';
import { isSocketError, parseJson, readLines, writeLine } from './control-lines.ts';

/**
 * How a second process asks the one that runs an election to do something: a socket in the data folder that only the
 * owner can open. The client sends one line of JSON, `{v, command, args}`; the server answers with lines, any number of
 * `{item}` and at last `{done}` or `{error}`, with `{wait}` now and then while it works.
 */
const VERSION = 1;
const SOCKET_NAME = 'control.sock';
/** `sun_path` holds 104 bytes on macOS and 108 on Linux, a zero at the end included. */
const MAX_SOCKET_PATH = 103;
const CONNECTIONS = 16;

export interface ControlDeadlines {
  /** For a client to send its request. */
  readonly requestMs: number;
  /** Between two signs of life of a server at work. */
  readonly waitMs: number;
  /** For the other side to say anything at all. */
  readonly silenceMs: number;
}

const DEADLINES: ControlDeadlines = { requestMs: 5_000, waitMs: 5_000, silenceMs: 30_000 };

const requestSchema = z.strictObject({
  v: z.literal(VERSION),
  command: z.string().max(100),
  args: z.unknown(),
});

const errorSchema = z.strictObject({
  kind: z.enum(['refused', 'usage', 'unreachable']),
  code: z.string(),
  message: z.string(),
  hint: z.string().optional(),
});

const answerSchema = z.union([
  z.strictObject({ item: z.unknown() }),
  z.strictObject({ wait: z.literal(true) }),
  z.strictObject({ done: z.literal(true) }),
  z.strictObject({ error: errorSchema }),
]);
type Answer = z.infer<typeof answerSchema>;

export interface ControlRequest {
  readonly command: string;
  /** As it came; the handler checks it. */
  readonly args: unknown;
}

export interface ControlServerInit {
  /** The data folder, which this process holds. */
  readonly folder: string;
  /** Answers a request, item by item. A PsephosError that it throws reaches the client as such. */
  readonly handle: (request: ControlRequest, send: (item: unknown) => Promise<void>) => Promise<void>;
  /** Told of errors that `handle` did not foresee; the client learns only that there was one. */
  readonly onDefect: (error: unknown) => void;
  readonly deadlines?: Partial<ControlDeadlines>;
}

export interface ControlServer {
  /** Takes no more requests, waits for those under way, and removes the socket. */
  close(): Promise<void>;
}

/**
 * The name of a data folder's socket: a path in it (relative where that is shorter), on Windows a named pipe. Throws
 * `path-too-long` where the system has no room for the path.
 */
export function controlPath(folder: string): string {
  const absolute = resolve(folder, SOCKET_NAME);
  if (process.platform === 'win32') {
    return `\\\\.\\pipe\\psephos-${createHash('sha256').update(absolute).digest('hex').slice(0, 32)}`;
  }
  const fromHere = relative(process.cwd(), absolute);
  const path = fromHere.length < absolute.length ? fromHere : absolute;
  if (Buffer.byteLength(path) <= MAX_SOCKET_PATH) return path;
  throw refused(
    'path-too-long',
    `The path of the data folder is too long for a socket in it: ${resolve(folder)}`,
    {
      hint: `Change into a folder near it and start the program there, or move the data folder to a path below ${MAX_SOCKET_PATH - SOCKET_NAME.length} bytes.`,
    },
  );
}

/**
 * Answers requests until closed. A socket that a killed process left behind is replaced. Throws `already-running`
 * where another process answers on it, `path-too-long`, or `no-control-socket` where the folder takes no socket.
 */
export async function serveControl(init: ControlServerInit): Promise<ControlServer> {
  const path = controlPath(init.folder);
  const deadlines = { ...DEADLINES, ...init.deadlines };
  const atWork = new Set<Promise<void>>();
  const server = createServer((socket) => {
    const work = serveOne(socket, init, deadlines)
      .catch((error: unknown) => {
        // A client that went away, or fell silent, before it asked for anything.
        if (!isSocketError(error)) init.onDefect(error);
      })
      .finally(() => {
        socket.destroy();
        atWork.delete(work);
      });
    atWork.add(work);
  });
  server.maxConnections = CONNECTIONS;
  await removeStale(path);
  await listen(server, path);
  server.on('error', init.onDefect);
  return {
    async close() {
      // Closing the server also removes its socket file.
      const closed = once(server, 'close');
      server.close();
      await Promise.all(atWork);
      await closed;
    },
  };
}

async function listen(server: Server, path: string): Promise<void> {
  try {
    server.listen(path);
    await once(server, 'listening');
    // The data folder is closed to others, so that nobody can slip in before this.
    if (process.platform !== 'win32') await chmod(path, 0o600);
  } catch (error) {
    if (!isSocketError(error)) throw error;
    throw refused('no-control-socket', `Can't make the control socket ${path}: ${error.message}.`, {
      hint: 'The data folder must be on a disk of this machine that can be written, not on a network share.',
      cause: error,
    });
  }
}

/** A socket file that refuses connections belongs to nobody any more. */
async function removeStale(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const socket = await connect(path);
  if (socket !== undefined) {
    socket.destroy();
    throw refused('already-running', 'Another process already works in this folder.', {
      hint: 'Stop it first, or name another folder with --data.',
    });
  }
  await unlink(path).catch((error: unknown) => {
    // Not there is as good as removed; a folder that can't be written shows when the socket is made.
    if (!isSocketError(error)) throw error;
  });
}

async function serveOne(socket: Socket, init: ControlServerInit, deadlines: ControlDeadlines): Promise<void> {
  const lines = readLines(socket, deadlines.requestMs);
  const first = await lines.next();
  if (first.done === true) return;
  // The work may take long; `wait` lines tell the client that it goes on.
  socket.setTimeout(0);
  let gone = false;
  const send = async (answer: Answer) => {
    try {
      if (!gone) await writeLine(socket, answer, deadlines.silenceMs);
    } catch (error) {
      // The client went away. What it asked for is carried out all the same, and not left half done.
      if (!isSocketError(error)) throw error;
      gone = true;
    }
  };
  const signs = setInterval(() => {
    if (socket.writable && !socket.writableNeedDrain)
      socket.write(`${JSON.stringify({ wait: true } satisfies Answer)}\n`);
  }, deadlines.waitMs);
  // An error of the socket shows in the next write.
  socket.on('error', () => undefined);
  try {
    const request = parseRequest(first.value);
    await init.handle(request, (item) => send({ item }));
    await send({ done: true });
  } catch (error) {
    if (!(error instanceof PsephosError)) init.onDefect(error);
    await send({ error: errorForWire(error) });
  } finally {
    clearInterval(signs);
  }
  socket.end();
  socket.resume();
  if (!socket.closed) await Promise.race([once(socket, 'close'), timeout(deadlines.requestMs)]);
}

function parseRequest(line: string): ControlRequest {
  const parsed = requestSchema.safeParse(parseJson(line));
  if (!parsed.success) {
    throw refused('malformed', 'The running admin process does not understand the request.', {
      hint: 'It may be of another version: stop it, and start it again from this folder.',
    });
  }
  return { command: parsed.data.command, args: parsed.data.args };
}

function errorForWire(error: unknown): z.infer<typeof errorSchema> {
  if (!(error instanceof PsephosError)) {
    return {
      kind: 'refused',
      code: 'internal',
      message: 'The running admin process failed; its terminal says how.',
    };
  }
  const { kind, code, message, hint } = error;
  return { kind, code, message, ...(hint === undefined ? {} : { hint }) };
}

/**
 * Asks the process that runs the election in a folder. Resolves to whether there is one; each item of its answer goes
 * to `onItem`. Throws the error that the process answered with, or `no-answer` where it falls silent.
 */
export async function askControl(
  folder: string,
  request: ControlRequest,
  onItem: (item: unknown) => Promise<void>,
  deadlines: Partial<ControlDeadlines> = {},
): Promise<boolean> {
  const path = pathIfAny(folder);
  const socket = path === undefined ? undefined : await connect(path);
  if (socket === undefined) return false;
  const { silenceMs } = { ...DEADLINES, ...deadlines };
  try {
    await writeLine(socket, { v: VERSION, ...request }, silenceMs);
    for await (const line of readLines(socket, silenceMs)) {
      const parsed = answerSchema.safeParse(parseJson(line));
      if (!parsed.success) break;
      const answer = parsed.data;
      if ('done' in answer) return true;
      if ('error' in answer) throw errorFromWire(answer.error);
      if ('item' in answer) await onItem(answer.item);
    }
  } catch (error) {
    if (!isSocketError(error)) throw error;
    throw noAnswer(error);
  } finally {
    socket.destroy();
  }
  throw noAnswer();
}

/** A folder whose path has no room for a socket may still be reached without one. */
function pathIfAny(folder: string): string | undefined {
  try {
    return controlPath(folder);
  } catch (error) {
    if (error instanceof PsephosError) return undefined;
    throw error;
  }
}

function errorFromWire({ kind, code, message, hint }: z.infer<typeof errorSchema>): Error {
  return new PsephosError(kind satisfies FailureKind, code, message, hint === undefined ? {} : { hint });
}

function noAnswer(cause?: unknown): Error {
  return unreachable('no-answer', 'The admin process that runs this election does not answer properly.', {
    hint: 'Look at its terminal; whether the command was carried out is not known ("admin status" tells).',
    cause,
  });
}

/** Undefined where nothing listens. */
async function connect(path: string): Promise<Socket | undefined> {
  const socket = createConnection(path);
  try {
    await once(socket, 'connect');
    return socket;
  } catch (error) {
    socket.destroy();
    if (isSocketError(error) && ['ENOENT', 'ECONNREFUSED', 'ENOTDIR', 'ENOTSOCK'].includes(error.code ?? ''))
      return undefined;
    throw unreachable('no-answer', `Can't reach the admin process at ${path}.`, { cause: error });
  }
}

function timeout(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms).unref());
}
