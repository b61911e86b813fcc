import { type NodeService, PeerRefusal } from '../../../services/ports.ts';
import { LOG_FRAME_BYTES } from '../../limits.ts';
import type { Call, ProtocolServer } from '../../protocol.ts';
import { LOG } from './constants.ts';
import { type LogRequest, logRequestSchema } from './messages.ts';

type LogService = Pick<NodeService, 'entries' | 'checkpoints' | 'latestCheckpoint' | 'onGrowth'>;

const RESTART_RETRY_MS = 1_000;

export function logServer(service: LogService): ProtocolServer<LogRequest> {
  return {
    spec: LOG,
    request: logRequestSchema,
    async answer(request, call) {
      if (request.what === 'checkpoints') {
        await sendCheckpoints(service, request.from, call);
      } else if (request.follow === true) {
        await follow(service, request.from, call);
      } else {
        await sendEntries(service, request.from, 'to' in request ? request.to : undefined, call);
      }
    },
  };
}

/** Sends a range and its `done`; resolves to the index after the last entry sent. */
async function sendEntries(
  service: LogService,
  from: number,
  to: number | undefined,
  call: Call,
): Promise<number> {
  // Asked for before the entries, so that it covers none that is not sent.
  const latestCheckpoint = await service.latestCheckpoint();
  const parts = new Parts<Uint8Array>((entries) => call.send({ entries }));
  let next = from;
  for await (const chunk of service.entries(from, to)) {
    for (const entry of chunk) {
      next += 1;
      if (parts.add(entry, entry.length)) await parts.flush();
    }
    refuseWhenStopping(call);
  }
  await parts.flush();
  await call.send(done(latestCheckpoint));
  return next;
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

async function follow(service: LogService, from: number, call: Call): Promise<void> {
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
      next = await sendEntries(service, next, undefined, call);
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

function done(latestCheckpoint: string | undefined): { done: true; latestCheckpoint?: string } {
  return latestCheckpoint === undefined ? { done: true } : { done: true, latestCheckpoint };
}

function refuseWhenStopping(call: Call): void {
  if (call.isStopping()) throw new PeerRefusal('busy', 'The node is stopping.', RESTART_RETRY_MS);
}
