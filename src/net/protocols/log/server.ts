import { parseCheckpoint } from '../../../log/checkpoint.ts';
import { PeerRefusal, type ReadService } from '../../../services/ports.ts';
import { LOG_FRAME_BYTES } from '../../limits.ts';
import type { Call, ProtocolServer } from '../../protocol.ts';
import { LOG } from './constants.ts';
import { type LogRequest, logRequestSchema } from './messages.ts';

type LogService = Pick<ReadService, 'entries' | 'checkpoints' | 'latestCheckpoint' | 'onGrowth'>;

const RESTART_RETRY_MS = 1_000;

export function logServer(service: LogService): ProtocolServer<LogRequest> {
  return {
    spec: LOG,
    request: logRequestSchema,
    async answer(request, call) {
      if (request.what === 'checkpoints') {
        await sendCheckpoints(service, request.from, call);
      } else if (request.follow === true) {
        await follow(service, request, call);
      } else {
        const { from, to } = request;
        await sendEntries(service, { from, to, checkpoints: undefined }, call);
      }
    },
  };
}

/** Sends a range and its `done`; resolves to the index after the last entry sent. */
async function sendEntries(
  service: LogService,
  {
    from,
    to,
    checkpoints,
  }: {
    readonly from: number;
    readonly to: number | undefined;
    readonly checkpoints: CheckpointsBetween | undefined;
  },
  call: Call,
): Promise<number> {
  const latestCheckpoint = await service.latestCheckpoint();
  // What is added meanwhile comes next time, with its own checkpoint: so no `done` has an older one than was sent before it.
  const end = to ?? sizeOf(latestCheckpoint);
  const parts = new Parts<Uint8Array>((entries) => call.send({ entries }));
  let next = from;
  for await (const chunk of service.entries(from, end)) {
    for (const entry of chunk) {
      next += 1;
      if (!parts.add(entry, entry.length)) continue;
      await parts.flush();
      const covering = await checkpoints?.newestUpTo(next);
      if (covering !== undefined) await call.send({ checkpoints: [covering] });
    }
    refuseWhenStopping(call);
  }
  await parts.flush();
  await call.send(done(latestCheckpoint));
  return next;
}

/** The stored checkpoints of a log as a range of it goes by. */
class CheckpointsBetween {
  readonly #texts: AsyncIterator<string>;
  /** Read ahead: covers more than was asked for so far. */
  #ahead: { readonly text: string; readonly size: number } | undefined;
  #ended = false;

  constructor(service: LogService, from: number) {
    this.#texts = service.checkpoints(from)[Symbol.asyncIterator]();
  }

  /** The newest one of at most `size` entries that was not given yet; `size` must not decrease. */
  async newestUpTo(size: number): Promise<string | undefined> {
    let newest: string | undefined;
    while (!this.#ended) {
      this.#ahead ??= await this.#read();
      if (this.#ahead === undefined || this.#ahead.size > size) break;
      newest = this.#ahead.text;
      this.#ahead = undefined;
    }
    return newest;
  }

  async close(): Promise<void> {
    await this.#texts.return?.();
  }

  async #read(): Promise<{ readonly text: string; readonly size: number } | undefined> {
    const next = await this.#texts.next();
    const parsed = next.done === true ? undefined : parseCheckpoint(next.value);
    if (parsed?.ok === true) return { text: parsed.value.text, size: parsed.value.size };
    this.#ended = true;
    return undefined;
  }
}

async function sendCheckpoints(service: LogService, from: number, call: Call): Promise<void> {
  const latestCheckpoint = await service.latestCheckpoint();
  const parts = new Parts<string>((checkpoints) => call.send({ checkpoints }));
  for await (const checkpoint of service.checkpoints(from)) {
    if (parts.add(checkpoint, checkpoint.length)) await parts.flush();
    refuseWhenStopping(call);
  }
  await parts.flush();
  await call.send(done(latestCheckpoint));
}

async function follow(
  service: LogService,
  { from, checkpoints }: { readonly from: number; readonly checkpoints?: true | undefined },
  call: Call,
): Promise<void> {
  let grown = false;
  let wake = (): void => undefined;
  // Before the first read, so that no growth falls between the two.
  const unsubscribe = service.onGrowth(() => {
    grown = true;
    wake();
  });
  try {
    let next = from;
    while (!call.ended.aborted) {
      grown = false;
      const between = checkpoints === true ? new CheckpointsBetween(service, next + 1) : undefined;
      try {
        next = await sendEntries(service, { from: next, to: undefined, checkpoints: between }, call);
      } finally {
        await between?.close();
      }
      await new Promise<void>((resolve) => {
        const finish = (): void => {
          clearTimeout(timer);
          call.ended.removeEventListener('abort', finish);
          resolve();
        };
        const timer = setTimeout(finish, call.heartbeatMs);
        wake = finish;
        call.ended.addEventListener('abort', finish);
        // The log may have grown, or the peer gone, while the last part was being sent.
        if (grown || call.ended.aborted) finish();
      });
    }
  } finally {
    unsubscribe();
  }
}

/** Gathers items into frames of LOG_FRAME_BYTES; each frame has at least one item. */
class Parts<T> {
  #items: T[] = [];
  #bytes = 0;
  readonly #send: (items: T[]) => Promise<void>;

  constructor(send: (items: T[]) => Promise<void>) {
    this.#send = send;
  }

  /** Whether a frame is full. */
  add(item: T, bytes: number): boolean {
    this.#items.push(item);
    this.#bytes += bytes;
    return this.#bytes >= LOG_FRAME_BYTES;
  }

  async flush(): Promise<void> {
    if (this.#items.length === 0) return;
    const items = this.#items;
    this.#items = [];
    this.#bytes = 0;
    await this.#send(items);
  }
}

function sizeOf(checkpoint: string | undefined): number | undefined {
  const parsed = checkpoint === undefined ? undefined : parseCheckpoint(checkpoint);
  return parsed?.ok === true ? parsed.value.size : undefined;
}

function done(latestCheckpoint: string | undefined): { done: true; latestCheckpoint?: string } {
  return latestCheckpoint === undefined ? { done: true } : { done: true, latestCheckpoint };
}

function refuseWhenStopping(call: Call): void {
  if (call.isStopping()) throw new PeerRefusal('busy', 'The node is stopping.', RESTART_RETRY_MS);
}
