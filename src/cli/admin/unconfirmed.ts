import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { unusable } from '../../base/errors.ts';
import { createFile, exists, syncFolder } from '../../store/files.ts';
import { readSmallJson } from '../../store/small-file.ts';

const FILE = 'unconfirmed.json';
/** Addresses of 64 observers and as many checkpoints need a fraction of it. */
const MAX_BYTES = 1024 * 1024;

/**
 * That a log must be compared with what others have before anything is signed again, kept in its data folder: it was restored, or somebody
 * showed a checkpoint that it does not continue.
 */
export interface Unconfirmed {
  readonly why: 'restored' | 'other-history';
  /** Whom to ask: the addresses of each observer, ending in its peer id. */
  readonly observers: readonly (readonly string[])[];
  /** Signed with the election's key: the log must continue each of them. */
  readonly checkpoints: readonly string[];
}

const schema = z.strictObject({
  psephos: z.literal('unconfirmed'),
  version: z.literal(1),
  why: z.enum(['restored', 'other-history']),
  observers: z.array(z.array(z.string()).min(1)),
  checkpoints: z.array(z.string()),
});

/** Undefined where the log need not be compared. Throws `bad-unconfirmed` for a file that can't be read. */
export async function readUnconfirmed(folder: string): Promise<Unconfirmed | undefined> {
  const path = join(folder, FILE);
  if (!(await exists(path))) return undefined;
  const read = schema.safeParse(await readSmallJson(path, MAX_BYTES));
  if (!read.success) {
    throw unusable(
      'bad-unconfirmed',
      `${path} can't be read, which says with whom this log must be compared.`,
      {
        hint: 'Restore the election again, into another folder: "admin restore".',
      },
    );
  }
  const { why, observers, checkpoints } = read.data;
  return { why, observers, checkpoints };
}

export async function keepUnconfirmed(
  folder: string,
  { why, observers, checkpoints }: Unconfirmed,
): Promise<void> {
  const content = {
    psephos: 'unconfirmed',
    version: 1,
    why,
    observers: observers.map((addresses) => [...addresses]),
    checkpoints: [...checkpoints],
  } satisfies z.infer<typeof schema>;
  await createFile(join(folder, FILE), { mode: 0o600, overwrite: true }, (file) =>
    file.writeFile(`${JSON.stringify(content, null, 2)}\n`),
  );
}

export async function removeUnconfirmed(folder: string): Promise<void> {
  await rm(join(folder, FILE), { force: true });
  await syncFolder(folder);
}

/** Throws `unconfirmed` where a log must be compared before it is signed again, which only a running program does. */
export async function expectConfirmed(folder: string): Promise<void> {
  if ((await readUnconfirmed(folder)) === undefined) return;
  throw unusable(
    'unconfirmed',
    'Nothing can be added to this election yet: its log must first be compared with what observers have.',
    { hint: 'Start it ("admin" without a command), which does that; then give this command again.' },
  );
}
