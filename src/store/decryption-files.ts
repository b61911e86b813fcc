import * as z from 'zod';
import { unusable } from '../base/errors.ts';
import { MAX_ENTRY_BYTES, MAX_TRUSTEES } from '../election/limits.ts';
import { firstIssue, proofText } from '../election/schemas.ts';
import { writeFileAtomic } from './files.ts';
import { readSmallJson } from './small-file.ts';

/** A trustee's share of decrypting a round, as a file that it gives the organiser. Nothing in it is secret. */
export interface DecryptionFile {
  readonly electionId: string;
  readonly round: number;
  /** The trustee's number, from 1. */
  readonly trustee: number;
  /** The protocol's own text. */
  readonly partialDecryption: string;
  readonly proof: string;
}

const schema = z.strictObject({
  psephos: z.literal('decryption'),
  version: z.literal(1),
  electionId: z.string().max(200),
  round: z.int().min(1),
  trustee: z.int().min(1).max(MAX_TRUSTEES),
  partialDecryption: z.string().min(1).max(MAX_ENTRY_BYTES),
  proof: proofText,
});

const MAX_FILE_BYTES = 2 * MAX_ENTRY_BYTES;

/** Writes a decryption in place of an older one. Throws the file system's refusal. */
export async function writeDecryptionFile(path: string, decryption: DecryptionFile): Promise<void> {
  const content: z.infer<typeof schema> = { psephos: 'decryption', version: 1, ...decryption };
  await writeFileAtomic(path, `${JSON.stringify(content, null, 2)}\n`);
}

/** Reads one. Throws `not-a-decryption`, or the file system's refusal. */
export async function readDecryptionFile(path: string): Promise<DecryptionFile> {
  const parsed = schema.safeParse(await readSmallJson(path, MAX_FILE_BYTES));
  if (!parsed.success) {
    throw unusable(
      'not-a-decryption',
      `${path} can't be read as a trustee's decryption: ${firstIssue(parsed.error)}.`,
      { hint: 'It must be the file that "trustee decrypt" wrote, unchanged.' },
    );
  }
  const { electionId, round, trustee, partialDecryption, proof } = parsed.data;
  return { electionId, round, trustee, partialDecryption, proof };
}
