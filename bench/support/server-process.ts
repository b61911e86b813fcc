import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ServerReady, ServerUsage } from './server.ts';

/** `server.ts` as a child process, from the bench's side. */
export class ServerProcess {
  readonly ready: ServerReady;
  readonly #child: ChildProcess;
  readonly #folder: string;

  private constructor(child: ChildProcess, folder: string, ready: ServerReady) {
    this.#child = child;
    this.#folder = folder;
    this.ready = ready;
  }

  static async start(voters: number, secrecy: 'open' | 'sealed' = 'open'): Promise<ServerProcess> {
    const folder = await mkdtemp(join(tmpdir(), 'psephos-bench-'));
    const script = fileURLToPath(new URL('./server.js', import.meta.url));
    const child = fork(script, [join(folder, 'election'), String(voters), secrecy], {
      execArgv: ['--expose-gc'],
    });
    const ready = await answerOf<ServerReady>(child);
    return new ServerProcess(child, folder, ready);
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
