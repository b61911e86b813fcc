import { execFile, spawnSync } from 'node:child_process';
import type { TestContext } from 'node:test';
import { needs } from './needs.ts';

/** Belenios' own program, version 3.0: where `.ci/run` put it, or the one that is installed. */
const TOOL = process.env['PSEPHOS_BELENIOS_TOOL'] ?? 'belenios-tool';
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

/** Asks it. With LWT_ASYNC_METHOD=none, without which `election verify` doesn't wait for its check of the ballots. */
export function belenios(...args: readonly string[]): Promise<Said> {
  const env = { ...process.env, LWT_ASYNC_METHOD: 'none', BELENIOS_USE_URANDOM: '1' };
  return new Promise((resolve, reject) => {
    execFile(TOOL, args, { env, encoding: 'utf8', maxBuffer: 2 ** 26 }, (error, output, messages) => {
      if (error !== null && error.code !== REFUSED) reject(new Error(messages, { cause: error }));
      else resolve({ accepted: error === null, output, messages });
    });
  });
}
