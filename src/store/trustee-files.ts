import * as z from 'zod';
import { unusable } from '../base/errors.ts';
import { MAX_ENTRY_BYTES } from '../election/limits.ts';
import { firstIssue } from '../election/schemas.ts';
import { type TrusteeMessage, trusteeMessageSchema } from '../election/trustee-messages.ts';
import { createFile } from './files.ts';
import { readSmallJson } from './small-file.ts';

/** What a trustee made, on its way to the organiser as a file. */
export interface TrusteeFile {
  readonly electionId: string;
  readonly message: TrusteeMessage;
}

const schema = z.strictObject({
  psephos: z.literal('trustee-message'),
  version: z.literal(1),
  electionId: z.string().max(200),
  message: trusteeMessageSchema,
}) satisfies z.ZodType<TrusteeFile>;

/** The text of a message in JSON, whose own quotes are escaped, and what is around it. */
const MAX_FILE_BYTES = 4 * MAX_ENTRY_BYTES;

/** Writes it in place of an older one. It may hold an invitation's code, so that only its owner can read it. Throws the file system's refusal. */
export async function writeTrusteeFile(path: string, { electionId, message }: TrusteeFile): Promise<void> {
  const content: z.infer<typeof schema> = { psephos: 'trustee-message', version: 1, electionId, message };
  await createFile(path, { mode: 0o600, overwrite: true }, (file) =>
    file.writeFile(`${JSON.stringify(content, null, 2)}\n`),
  );
}

/** Reads one. Throws `not-a-trustee-message`, or the file system's refusal. */
export async function readTrusteeFile(path: string): Promise<TrusteeFile> {
  const parsed = schema.safeParse(await readSmallJson(path, MAX_FILE_BYTES));
  if (!parsed.success) {
    throw unusable(
      'not-a-trustee-message',
      `${path} can't be read as what a trustee made: ${firstIssue(parsed.error)}.`,
      { hint: 'It must be the file that "trustee answer" wrote, unchanged.' },
    );
  }
  const { electionId, message } = parsed.data;
  return { electionId, message };
}
