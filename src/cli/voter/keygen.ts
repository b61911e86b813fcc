import { randomBytes } from 'node:crypto';
import { dirname } from 'node:path';
import { toHex } from '../../base/bytes.ts';
import { publicKeyOf } from '../../crypto/signature.ts';
import { makeFolder } from '../../store/files.ts';
import { writeKeyFile } from '../../store/key-files.ts';
import { programLine } from '../program-line.ts';
import type { Console } from '../console.ts';
import { DEFAULT_KEY_FILE } from './key-file-name.ts';

/** Makes a voter's key. Throws `file-exists` rather than replace one. */
export async function keygen(file: string, out: Console): Promise<void> {
  if (file === DEFAULT_KEY_FILE) await makeFolder(dirname(file));
  const seed = new Uint8Array(randomBytes(32));
  const publicKey = publicKeyOf(seed);
  await writeKeyFile(file, { role: 'voter', seed, publicKey });
  const hex = toHex(publicKey);
  out.emit({ event: 'key', file, publicKey: hex });
  out.say(
    `${hex}\n\n` +
      `The line above is your public key: give it to the organiser, who puts it on the roll beside your username.\n` +
      `The key itself is in ${file}. Keep that file, and give it to nobody: whoever has it can vote in your place.\n` +
      `To vote: ${programLine('voter')} --dial <invite> --key-file ${file}\n`,
  );
}
