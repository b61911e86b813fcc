import * as z from 'zod';
import { unusable } from '../base/errors.ts';
import type { CeremonyStep } from '../election/entries.ts';
import { ceremonyStepSchema } from '../election/schemas.ts';
import { createFile, exists, realPath } from './files.ts';
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

const schema = z.strictObject({
  psephos: z.literal('trustee-notes'),
  version: z.literal(1),
  steps: z.array(z.strictObject({ ceremony: z.string(), step: ceremonyStepSchema })),
  checkpoints: z.record(z.string(), z.string()),
});

const MAX_FILE_BYTES = 64 * 1024 * 1024;

/** The notes beside a key; none where there is no file. Throws `not-trustee-notes`, or the file system's refusal. */
export async function readNotes(keyPath: string): Promise<TrusteeNotes> {
  const path = await notesOf(keyPath);
  if (!(await exists(path))) return { steps: [], checkpoints: {} };
  const read = schema.safeParse(await readSmallJson(path, MAX_FILE_BYTES));
  if (read.success) return read.data;
  throw unusable('not-trustee-notes', `${path} should say what this key was used for, and can't be read.`, {
    hint: 'Nothing was done. Put that file back from a copy of the key’s folder.',
  });
}

/** Keeps notes, before anything that they tell of is given to anybody. Throws the file system's refusal. */
export async function writeNotes(keyPath: string, notes: TrusteeNotes): Promise<void> {
  const content: z.infer<typeof schema> = {
    psephos: 'trustee-notes',
    version: 1,
    steps: [...notes.steps],
    checkpoints: { ...notes.checkpoints },
  };
  await createFile(await notesOf(keyPath), { mode: 0o600, overwrite: true }, (file) =>
    file.writeFile(`${JSON.stringify(content, null, 2)}\n`),
  );
}

async function notesOf(keyPath: string): Promise<string> {
  return `${await realPath(keyPath)}.notes`;
}
