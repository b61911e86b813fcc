import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { unusable } from '../../base/errors.ts';
import { encodePublicKeyFile } from '../../belenios/v1/encoding/key-files.ts';
import { trusteePublicKey } from '../../belenios/v1/trustees.ts';
import { scalarOfSeed } from '../../crypto/group/seed.ts';
import { publicKeyOf } from '../../crypto/signature.ts';
import { firstIssue, nameSchema } from '../../election/schemas.ts';
import { platformRandom } from '../../services/platform-random.ts';
import { createFile, exists, makeFolder } from '../../store/files.ts';
import { errorWithCode, fileError } from '../../store/fs-errors.ts';
import { writeTrusteeKeyFile } from '../../store/trustee-key-files.ts';
import type { Console } from '../console.ts';
import { programLine, quotePath } from '../program-line.ts';
import type { Io } from '../io.ts';
import { DEFAULT_TRUSTEE_KEY } from './key-file-name.ts';
import { trusteeFingerprint } from '../../belenios/v1/sealed-round.ts';
import { type NewPassphraseFlags, newPassphrase } from './passphrase.ts';

export interface KeygenFlags extends NewPassphraseFlags {
  readonly out: string;
  readonly name?: string;
}

/** Makes a trustee's key and its public part. Throws `file-exists` rather than replace one, and a usage error for a name that can't be used. */
export async function keygen(flags: KeygenFlags, io: Io, out: Console): Promise<void> {
  const { out: file, name } = flags;
  const calledAs = name === undefined ? undefined : tidyName(name);
  if (file === DEFAULT_TRUSTEE_KEY) await makeFolder(dirname(file));
  const publicFile = publicFileOf(file);
  for (const taken of [file, publicFile])
    if (await exists(taken)) throw fileError(errorWithCode('EEXIST'), taken);
  const passphrase = await newPassphrase(flags, io);
  const seed = new Uint8Array(randomBytes(32));
  const publicKey = trusteePublicKey(scalarOfSeed(seed), platformRandom, calledAs);
  // The public part comes first: one without its key is of no use to anybody, and a key beside another's public part would be taken for a pair.
  await createFile(publicFile, { mode: 0o644, overwrite: false }, (handle) =>
    handle.writeFile(encodePublicKeyFile(publicKey)),
  );
  await writeTrusteeKeyFile(file, { seed, publicKey: publicKeyOf(seed) }, passphrase).catch(
    async (error: unknown) => {
      await rm(publicFile, { force: true });
      throw error;
    },
  );
  const short = trusteeFingerprint(publicKey.publicKey);
  out.emit({ event: 'key', file, publicFile, fingerprint: short });
  out.say(
    `Your key: ${file}\n` +
      'Keep it, and a copy of it on another medium, to yourself: without it the result may be lost, and whoever has the keys\n' +
      'of all trustees can open single ballots. Beside it will be notes of what it decrypted: move them with it.\n\n' +
      `Its public part: ${publicFile}\n` +
      'Give that file to the organiser, and compare this fingerprint of it with what the election shows later:\n\n' +
      `  ${short}\n\n` +
      `After the round is closed: ${programLine('trustee')} decrypt <log> --key ${quotePath(file)}\n`,
  );
}

/** `trustee.key` → `trustee.pub`. */
function publicFileOf(file: string): string {
  return file.endsWith('.key') ? `${file.slice(0, -'.key'.length)}.pub` : `${file}.pub`;
}

function tidyName(typed: string): string {
  const name = nameSchema.safeParse(typed.normalize('NFC').trim());
  if (!name.success) throw unusable('usage', `The name can't be used: ${firstIssue(name.error)}.`);
  return name.data;
}
