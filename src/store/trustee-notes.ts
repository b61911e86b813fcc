import { readFile, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { toHex } from '../base/bytes.ts';
import { unusable } from '../base/errors.ts';
import type { CeremonyStep } from '../election/entries.ts';
import { ceremonyStepSchema } from '../election/schemas.ts';
import { createFile, exists, realPath, writeSecretFile } from './files.ts';
import { readSmallJson } from './small-file.ts';

/**
 * What a trustee's program has to remember beside the key, in `<key file>.notes`: the steps that it made, since each may be made only once (two of
 * one kind would convict the trustee, and a complaint after a share could reveal it), and the newest checkpoint that it saw.
 * Nothing in it is secret that is not encrypted.
 */
export interface TrusteeNotes {
  readonly steps: readonly { readonly ceremony: string; readonly step: CeremonyStep }[];
  /** By election id, the text of the newest checkpoint that an audit found valid. */
  readonly checkpoints: Readonly<Record<string, string>>;
}

/** A trustee's key, by its file and its public part. */
export interface NotedKey {
  readonly path: string;
  readonly publicKey: Uint8Array;
}

const schema = z.strictObject({
  psephos: z.literal('trustee-notes'),
  version: z.literal(1),
  /** Of the key, in hex. */
  publicKey: z.string(),
  steps: z.array(z.strictObject({ ceremony: z.string(), step: ceremonyStepSchema })),
  checkpoints: z.record(z.string(), z.string()),
});

const MAX_FILE_BYTES = 64 * 1024 * 1024;

/** The notes beside a key; none where there is no file. Throws `not-trustee-notes`, also for another key's, or the file system's refusal. */
export async function readNotes({ path: keyPath, publicKey }: NotedKey): Promise<TrusteeNotes> {
  const path = await notesOf(keyPath);
  if (!(await exists(path))) return { steps: [], checkpoints: {} };
  const read = schema.safeParse(await readSmallJson(path, MAX_FILE_BYTES));
  if (read.success && read.data.publicKey === toHex(publicKey)) return read.data;
  const why = read.success ? 'is of another key' : 'can not be read';
  throw unusable('not-trustee-notes', `${path} should say what this key was used for, and ${why}.`, {
    hint: read.success
      ? 'Nothing was done. Move that file to where its key is.'
      : 'Nothing was done. Put that file back from a copy of the key’s folder.',
  });
}

/** Keeps notes, before anything that they tell of is given to anybody. Throws the file system's refusal. */
export async function writeNotes({ path: keyPath, publicKey }: NotedKey, notes: TrusteeNotes): Promise<void> {
  const content: z.infer<typeof schema> = {
    psephos: 'trustee-notes',
    version: 1,
    publicKey: toHex(publicKey),
    steps: [...notes.steps],
    checkpoints: { ...notes.checkpoints },
  };
  await createFile(await notesOf(keyPath), { mode: 0o600, overwrite: true }, (file) =>
    file.writeFile(`${JSON.stringify(content, null, 2)}\n`),
  );
}

/**
 * Copies what is noted beside a key to beside a copy of it: which steps it made, and which sums it decrypted. What is there already stays. Throws the file
 * system's refusal.
 */
export async function copyNotes(from: NotedKey, toPath: string): Promise<void> {
  const source = await realPath(from.path);
  const target = await realPath(toPath);
  const sums = `decrypted-${toHex(from.publicKey).slice(0, 16)}-`;
  const folder = dirname(source);
  const names = (await readdir(folder)).filter((name) => name.startsWith(sums));
  const pairs = names.map((name) => [join(folder, name), join(dirname(target), name)] as const);
  for (const [one, other] of [[`${source}.notes`, `${target}.notes`] as const, ...pairs]) {
    if (one === other || !(await exists(one)) || (await exists(other))) continue;
    await writeSecretFile(other, await readFile(one, 'utf8'));
  }
}

async function notesOf(keyPath: string): Promise<string> {
  return `${await realPath(keyPath)}.notes`;
}
