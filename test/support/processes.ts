import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { repositoryPath } from './repository.ts';
import { newStateFolder } from './state-folder.ts';

/** Real programs as users meet them: started as processes, spoken to through their streams, judged by their exit. */
export type Program = 'admin' | 'voter' | 'trustee' | 'observer' | 'relay' | 'verify-log';

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Options {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Text for standard input, which is closed after it. */
  readonly input?: string;
  /** A program to run it under, with its arguments. */
  readonly under?: readonly string[];
}

export class Running {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #watchers = new Set<() => void>();
  readonly finished: Promise<Finished>;
  stdout = '';
  stderr = '';
  #ended = false;

  constructor(program: Program, args: readonly string[], options: Options) {
    const script = repositoryPath(`dist/${program}.js`);
    const [command, ...rest] = [...(options.under ?? []), process.execPath, script, ...args];
    this.#child = spawn(command as string, rest, {
      cwd: options.cwd,
      env: { ...process.env, NO_COLOR: '1', PSEPHOS_STATE: newStateFolder(), ...options.env },
      stdio: 'pipe',
    });
    this.#child.stdin.end(options.input ?? '');
    // A program that ends without reading its input breaks the pipe; that is its right.
    this.#child.stdin.on('error', () => undefined);
    this.#child.stdout.on('data', (data: Buffer) => {
      this.stdout += data.toString();
      this.#changed();
    });
    this.#child.stderr.on('data', (data: Buffer) => {
      this.stderr += data.toString();
      this.#changed();
    });
    this.finished = new Promise((resolve, reject) => {
      this.#child.on('error', reject);
      this.#child.on('close', (code, signal) => {
        this.#ended = true;
        this.#changed();
        resolve({ code, signal, stdout: this.stdout, stderr: this.stderr });
      });
    });
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error('the process did not start');
    return this.#child.pid;
  }

  /** Resolves to the match once standard output and error together hold it; rejects if the process ends before. */
  async waitFor(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.stdout) ?? pattern.exec(this.stderr);
      if (match !== null) return match;
      if (this.#ended)
        throw new Error(`ended before ${String(pattern)} was seen:\n${this.stdout}\n${this.stderr}`);
      await new Promise<void>((resolve) => {
        const watcher = () => {
          this.#watchers.delete(watcher);
          resolve();
        };
        this.#watchers.add(watcher);
      });
    }
  }

  /** Sends a signal to this process, and resolves when it has ended. */
  async kill(signal: NodeJS.Signals): Promise<Finished> {
    this.#child.kill(signal);
    return this.finished;
  }

  #changed(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }
}

export function start(program: Program, args: readonly string[], options: Options = {}): Running {
  return new Running(program, args, options);
}

/** Runs a program to its end. */
export async function run(
  program: Program,
  args: readonly string[],
  options: Options = {},
): Promise<Finished> {
  return start(program, args, options).finished;
}

/** The objects that a program printed with --json. */
export function jsonLines(text: string): Record<string, unknown>[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
