import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { cleanUp } from './cleanup.ts';
import { type Options, type Running, jsonLines, start } from './processes.ts';

/** The observer's program on a folder, listening on ::1; killed when the test ends. */
export function startObserver(
  t: TestContext,
  folder: string,
  args: readonly string[] = [],
  options: Options = {},
): Running {
  const observer = start(
    'observer',
    ['--data', folder, '--listen', '/ip6/::1/tcp/0', '--json', ...args],
    options,
  );
  cleanUp(t, () => observer.kill('SIGKILL'));
  return observer;
}

/** Resolves when it says that so many entries are on its disk. */
export async function caughtUp(observer: Running, size: number): Promise<void> {
  await observer.waitFor(new RegExp(`"event":"caught-up","size":${size}\\b`));
}

/** Where it can be dialled, once it says so. */
export async function addressOf(observer: Running): Promise<string> {
  await observer.waitFor(/"event":"running"/);
  const running = jsonLines(observer.stdout.slice(0, observer.stdout.lastIndexOf('\n'))).find(
    ({ event }) => event === 'running',
  );
  const [address] = (running?.['addresses'] ?? []) as string[];
  if (address === undefined) throw new Error(`the observer listens nowhere:\n${observer.stderr}`);
  return address;
}

/** The files of evidence that it kept. */
export async function evidenceIn(
  folder: string,
): Promise<{ readonly path: string; readonly text: string }[]> {
  const alarms = join(folder, 'alarms');
  const names = (await readdir(alarms)).filter((name) => name.endsWith('.evidence.json'));
  return Promise.all(
    names.map(async (name) => {
      const path = join(alarms, name);
      return { path, text: await readFile(path, 'utf8') };
    }),
  );
}
