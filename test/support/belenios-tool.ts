import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { cleanUp } from './cleanup.ts';
import { needs } from './needs.ts';

const PROGRAM = process.env['PSEPHOS_BELENIOS_TOOL'] ?? 'belenios-tool';
/** Without the first its program (3.0) does not wait for the check of the ballots; the second spares the machine's blocking random source. */
const ENVIRONMENT = { ...process.env, LWT_ASYNC_METHOD: 'none', BELENIOS_USE_URANDOM: '1' };

/** Belenios' own program in a folder of its own. */
export class BeleniosTool {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Undefined, and the test skipped, where the program is neither in `PSEPHOS_BELENIOS_TOOL` nor on the path. */
  static async forTest(t: TestContext): Promise<BeleniosTool | undefined> {
    const found = spawnSync(PROGRAM, ['--version'], { env: ENVIRONMENT }).status === 0;
    if (!needs(t, 'belenios-tool (Debian; or PSEPHOS_BELENIOS_TOOL)', found)) return undefined;
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
    const { status, stdout, stderr } = spawnSync(PROGRAM, args, {
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
