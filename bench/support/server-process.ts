import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RelayReady, RelayUsage } from './relay.ts';
import type { ServerReady, ServerUsage } from './server.ts';

/** `server.ts`, or another that speaks as it does, as a child process, from the bench's side. */
export class ServerProcess {
  readonly ready: ServerReady;
  readonly #child: ChildProcess;
  readonly #folder: string;

  private constructor(child: ChildProcess, folder: string, ready: ServerReady) {
    this.#child = child;
    this.#folder = folder;
    this.ready = ready;
  }

  /** With a relay's address the server can be reached through that, too. */
  static async start(
    voters: number,
    secrecy: 'open' | 'sealed' = 'open',
    relay?: string,
  ): Promise<ServerProcess> {
    return ServerProcess.#run('./server.js', (folder) => [
      ...[join(folder, 'election'), String(voters), secrecy],
      ...(relay === undefined ? [] : [relay]),
    ]);
  }

  /** As `log-server.ts`: serves the log in a data folder, for reading. */
  static async serving(dataFolder: string): Promise<ServerProcess> {
    return ServerProcess.#run('./log-server.js', () => [dataFolder]);
  }

  static async #run(script: string, args: (folder: string) => string[]): Promise<ServerProcess> {
    const folder = await mkdtemp(join(tmpdir(), 'psephos-bench-'));
    const child = fork(fileURLToPath(new URL(script, import.meta.url)), args(folder), {
      execArgv: ['--expose-gc'],
    });
    return new ServerProcess(child, folder, await answerOf<ServerReady>(child));
  }

  async usage(): Promise<ServerUsage> {
    const answer = answerOf<ServerUsage>(this.#child);
    this.#child.send('usage');
    return answer;
  }

  async stop(): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.send('stop');
    await exited;
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** `relay.ts` as a child process. */
export class RelayProcess {
  readonly ready: RelayReady;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, ready: RelayReady) {
    this.#child = child;
    this.ready = ready;
  }

  static async start(): Promise<RelayProcess> {
    const child = fork(fileURLToPath(new URL('./relay.js', import.meta.url)));
    return new RelayProcess(child, await answerOf<RelayReady>(child));
  }

  async usage(): Promise<RelayUsage> {
    const answer = answerOf<RelayUsage>(this.#child);
    this.#child.send('usage');
    return answer;
  }

  async stop(): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.send('stop');
    await exited;
  }
}

async function answerOf<T>(child: ChildProcess): Promise<T> {
  const answered = new AbortController();
  const { signal } = answered;
  const ended = once(child, 'exit', { signal }).then(() => {
    throw new Error('the server process ended');
  });
  try {
    const [message] = (await Promise.race([once(child, 'message', { signal }), ended])) as [T];
    return message;
  } finally {
    answered.abort();
  }
}
