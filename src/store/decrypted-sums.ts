import { dirname, join } from 'node:path';
import * as z from 'zod';
import { toHex, utf8ToBytes } from '../base/bytes.ts';
import { refused, unusable } from '../base/errors.ts';
import { sha256 } from '../crypto/hash.ts';
import { createFile, exists, realPath } from './files.ts';
import { codeOf } from './fs-errors.ts';
import { readSmallJson } from './small-file.ts';

const schema = z.strictObject({
  psephos: z.literal('decrypted-sum'),
  version: z.literal(1),
  uuid: z.string(),
  /** SHA-256 of the encrypted tally's text, in hex. */
  tally: z.string(),
});
const MAX_FILE_BYTES = 4096;

/**
 * Notes beside a trustee's key which sum of a round it decrypted, before the decryption is given to anybody: the first one stands. The note lies where
 * the key's file really is, and goes by the key, so that a link or another name leads to the same one; a copy elsewhere has no notes. `uuid`
 * names the round (docs/PROTOCOL, section 9.2), `encryptedTally` is the tally's text. Whoever gets two sums of one round decrypted, from
 * two logs that differ by one ballot, learns that ballot from the difference.
 *
 * Throws `another-sum` where the key decrypted another one, `not-a-note` for a note that can't be read, and the file system's refusal.
 */
export async function noteDecryptedSum(
  { path: keyPath, publicKey }: { readonly path: string; readonly publicKey: Uint8Array },
  uuid: string,
  encryptedTally: string,
): Promise<void> {
  const path = join(
    dirname(await realPath(keyPath)),
    `decrypted-${toHex(publicKey).slice(0, 16)}-${uuid}.json`,
  );
  const tally = toHex(sha256(utf8ToBytes(encryptedTally)));
  const note: z.infer<typeof schema> = { psephos: 'decrypted-sum', version: 1, uuid, tally };
  if (!(await exists(path)) && (await create(path, `${JSON.stringify(note, null, 2)}\n`))) return;
  const read = schema.safeParse(await readSmallJson(path, MAX_FILE_BYTES));
  if (!read.success || read.data.uuid !== uuid) {
    throw unusable('not-a-note', `${path} should say which sum this key decrypted, and can't be read.`, {
      hint: 'Nothing was decrypted. Put that file back from a copy of the key’s folder.',
    });
  }
  if (read.data.tally === tally) return;
  throw refused(
    'another-sum',
    'With this key another sum of the same round was decrypted before. Nothing was decrypted now.',
    {
      hint: `Two logs of this round exist, and what they differ by would come out. Keep both, and tell the other trustees and the voters. The note is ${path}`,
    },
  );
}

/** False where another process was first. */
async function create(path: string, text: string): Promise<boolean> {
  try {
    await createFile(path, { mode: 0o600, overwrite: false }, (file) => file.writeFile(text));
    return true;
  } catch (error) {
    if (codeOf(error) === 'file-exists') return false;
    throw error;
  }
}
