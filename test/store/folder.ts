import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { PsephosError } from '#src/base/errors.js';
import { openLevelStore } from '#src/store/level-store.js';
import { needs } from '../support/needs.js';
import { BatchMaker } from './made-batches.js';
import { cleanUp } from '../support/cleanup.ts';

/** A temporary folder that goes with the test. */
export async function tempFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'psephos-test-'));
  cleanUp(t, () => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A data folder whose log has these batches, closed after each of `sessions`. */
export async function filledFolder(
  t: TestContext,
  sessions: readonly (readonly number[])[],
): Promise<string> {
  const folder = join(await tempFolder(t), 'election');
  const batches = new BatchMaker();
  for (const sizes of sessions) {
    const store = await openLevelStore(folder, { create: true, program: 'a test' });
    for (const size of sizes) await store.commit(batches.next(size));
    await store.close();
  }
  return folder;
}

/** Asserts a foreseen failure by its code and a part of its message or hint. */
export function failsWith(code: string, ...parts: readonly (string | RegExp)[]): (error: unknown) => boolean {
  return (error) => {
    if (!(error instanceof PsephosError) || error.code !== code) return false;
    const text = `${error.message}\n${error.hint ?? ''}`;
    return parts.every((part) => (typeof part === 'string' ? text.includes(part) : part.test(text)));
  };
}

/**
 * A small file system of its own at a folder that goes with the test, where that can be had: Linux, and root. Else skips the
 * test (on CI: fails it) and resolves to undefined.
 */
export async function mountedFolder(t: TestContext, options: string): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'psephos-test-'));
  const mounted = canMount(folder, options);
  cleanUp(t, async () => {
    if (mounted) execFileSync('umount', [folder]);
    await rm(folder, { recursive: true });
  });
  return needs(t, 'a way to mount a tmpfs (Linux, as root)', mounted) ? folder : undefined;
}

function canMount(folder: string, options: string): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder], { stdio: 'ignore' });
    return true;
  } catch {
    // Containers may withhold the right to mount even from root.
    return false;
  }
}

export function remount(folder: string, options: string): void {
  execFileSync('mount', ['-o', `remount,${options}`, folder]);
}
