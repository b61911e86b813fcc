import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { cleanUp } from './cleanup.ts';
import { needs } from './needs.ts';

/** Belenios' own program, version 3.0: where `.ci/run` put it, or the one that is installed. */
const TOOL = process.env['PSEPHOS_BELENIOS_TOOL'] ?? 'belenios-tool';
/** Without the first `election verify` does not wait for its check of the ballots; the second spares the machine's blocking random source. */
const ENVIRONMENT = { ...process.env, LWT_ASYNC_METHOD: 'none', BELENIOS_USE_URANDOM: '1' };
const isThere = spawnSync(TOOL, ['--version']).status === 0;

/** Whether the tests that ask Belenios' program can run; else the test is skipped, or fails in CI. */
export function hasBelenios(t: TestContext): boolean {
  return needs(t, 'belenios-tool (scripts/install-belenios-tool.sh)', isThere);
}

export interface Said {
  readonly accepted: boolean;
  readonly output: string;
  /** What it says on stderr. */
  readonly messages: string;
}

/** What it says of every failure: of an archive that is not valid, and of an option that it doesn't know. */
const REFUSED = 124;

/** Asks it. */
export function belenios(...args: readonly string[]): Promise<Said> {
  return new Promise((resolve, reject) => {
    execFile(
      TOOL,
      args,
      { env: ENVIRONMENT, encoding: 'utf8', maxBuffer: 2 ** 26 },
      (error, output, messages) => {
        if (error !== null && error.code !== REFUSED) reject(new Error(messages, { cause: error }));
        else resolve({ accepted: error === null, output, messages });
      },
    );
  });
}

/** Belenios' own program in a folder of its own. */
export class BeleniosTool {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Undefined, and the test skipped, where the program is not there. */
  static async forTest(t: TestContext): Promise<BeleniosTool | undefined> {
    if (!hasBelenios(t)) return undefined;
    const folder = await mkdtemp(join(tmpdir(), 'psephos-belenios-'));
    cleanUp(t, () => rm(folder, { recursive: true, force: true }));
    return new BeleniosTool(folder);
  }

  /** Runs it and gives what it says; one failing is thrown with its words. */
  run(args: readonly string[], input = ''): string {
    const done = this.try(args, input);
    if (done.status !== 0) throw new Error(`belenios-tool ${args.join(' ')}: ${done.stderr}`);
    return done.stdout;
  }

  try(
    args: readonly string[],
    input = '',
  ): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
    const { status, stdout, stderr } = spawnSync(TOOL, args, {
      cwd: this.#folder,
      env: ENVIRONMENT,
      input,
      encoding: 'utf8',
    });
    return { status, stdout, stderr };
  }

  write(name: string, text: string): Promise<void> {
    return writeFile(join(this.#folder, name), text);
  }

  async read(name: string): Promise<string> {
    return (await readFile(join(this.#folder, name), 'utf8')).trimEnd();
  }

  /** Names of files that end so. */
  async files(end: string): Promise<string[]> {
    return (await readdir(this.#folder)).filter((name) => name.endsWith(end)).sort();
  }

  async bytes(name: string): Promise<Uint8Array> {
    return new Uint8Array(await readFile(join(this.#folder, name)));
  }
}
