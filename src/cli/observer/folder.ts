import { join } from 'node:path';
import * as z from 'zod';
import { unusable } from '../../base/errors.ts';
import { LogCopy } from '../../services/log-copy.ts';
import type { Clock } from '../../services/ports.ts';
import { createFile, exists } from '../../store/files.ts';
import type { KeyPair } from '../../store/key-files.ts';
import { openLevelStore } from '../../store/level-store.ts';
import { readSmallFile } from '../../store/small-file.ts';
import { takeOwnKey } from '../own-key.ts';

/**
 * An observer's folder: `observer.key` (its identity, and what it cosigns with), `observer.json` (whom it followed last), the copy as a data
 * folder has it (`log/`), and `alarms/`.
 */
const KEY_FILE = 'observer.key';
const SETTINGS_FILE = 'observer.json';
const MAX_SETTINGS_BYTES = 64 * 1024;

export const systemClock: Clock = { now: () => Date.now() };

/** The observer's key; made the first time. Throws as `readKeyFile` does. */
export function takeKey(folder: string): Promise<KeyPair> {
  return takeOwnKey(join(folder, KEY_FILE), 'observer');
}

/** Takes up the copy in a folder, or begins an empty one. Throws what the store throws. */
export async function openCopy(folder: string, onProgress: (done: number) => void): Promise<LogCopy> {
  return LogCopy.open({
    openStore: () => openLevelStore(folder, { create: true, program: 'observer' }),
    clock: systemClock,
    onProgress,
  });
}

/** What the observer was told the last time, so that it can be started again without being told. */
export interface Settings {
  readonly dial: readonly string[];
  readonly observers: readonly string[];
}

const settingsSchema = z.strictObject({
  psephos: z.literal('observer'),
  version: z.literal(1),
  dial: z.array(z.string()),
  observers: z.array(z.string()),
});

/** Undefined where nothing was kept. Throws `bad-settings` for a file that can't be read. */
export async function readSettings(folder: string): Promise<Settings | undefined> {
  const path = join(folder, SETTINGS_FILE);
  if (!(await exists(path))) return undefined;
  const text = await readSmallFile(path, MAX_SETTINGS_BYTES);
  const read = settingsSchema.safeParse(parsed(text));
  if (!read.success) {
    throw unusable('bad-settings', `${path} can't be read.`, {
      hint: 'Remove it, and name whom to follow with --dial.',
    });
  }
  return { dial: read.data.dial, observers: read.data.observers };
}

export async function keepSettings(folder: string, { dial, observers }: Settings): Promise<void> {
  const content = {
    psephos: 'observer',
    version: 1,
    dial: [...dial],
    observers: [...observers],
  } satisfies z.infer<typeof settingsSchema>;
  await createFile(join(folder, SETTINGS_FILE), { mode: 0o600, overwrite: true }, (file) =>
    file.writeFile(`${JSON.stringify(content, null, 2)}\n`),
  );
}

function parsed(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    // Whatever is not JSON is not of the schema either, which says so.
    return undefined;
  }
}
