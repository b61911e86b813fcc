import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A second process at a store: `store-process.ts` says what it does. */
export class StoreProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  /** The newest size that it said was acknowledged. */
  acknowledged = 0;
  #watchers: (() => void)[] = [];

  constructor(mode: 'hold' | 'write', folder: string, entryBytes = 350) {
    const script = fileURLToPath(new URL('store-process.js', import.meta.url));
    this.#child = spawn(process.execPath, [script, mode, folder, String(entryBytes)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#ended = once(this.#child, 'close');
    if (this.#child.stdout === null) throw new Error('the process has no output');
    createInterface(this.#child.stdout).on('line', (line) => {
      this.acknowledged = Number(line);
      for (const watcher of this.#watchers.splice(0)) watcher();
    });
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error('the process did not start');
    return this.#child.pid;
  }

  /** Resolves when it has said that `size` entries are acknowledged; rejects if it ends before. */
  async reached(size: number): Promise<void> {
    let [said, ended] = [false, false];
    void this.#ended.then(() => (ended = true));
    while (!said || this.acknowledged < size) {
      const line = new Promise<void>((resolve) => this.#watchers.push(resolve));
      await Promise.race([line, this.#ended]);
      if (ended) throw new Error('the process ended early');
      said = true;
    }
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  /** Asks it to close the store and end. */
  async stop(): Promise<void> {
    this.#child.stdin?.end();
    await this.#ended;
  }
}

/** Opens a data folder in another process, run `under` another program: "opened", or the error's code and message. */
export function tryOpen(folder: string, under: readonly string[] = []): string {
  const script = fileURLToPath(new URL('try-open.js', import.meta.url));
  const [command, ...args] = [...under, process.execPath, script, folder];
  return spawnSync(command, args, { encoding: 'utf8' }).stdout;
}
