import { randomBytes } from 'node:crypto';
import { dirname } from 'node:path';
import { toHex } from '../../base/bytes.ts';
import { publicKeyOf } from '../../crypto/signature.ts';
import { makeFolder } from '../../store/files.ts';
import { type KeyPair, writeKeyFile } from '../../store/key-files.ts';
import { programLine } from '../program-line.ts';
import type { Console } from '../console.ts';
import { DEFAULT_KEY_FILE } from './key-file-name.ts';

/** Makes a voter's key, prints its public part and says what to do with it. Throws `file-exists` rather than replace one. */
export async function keygen(file: string, out: Console): Promise<void> {
  const hex = toHex((await makeVoterKey(file)).publicKey);
  out.emit({ event: 'key', file, publicKey: hex });
  out.say(
    `${hex}\n\n` +
      `The line above is your public key: give it to the organiser, who puts it on the roll beside your username.\n` +
      `The key itself is in ${file}. Keep that file, and give it to nobody: whoever has it can vote in your place.\n` +
      `To vote: ${programLine('voter')} --dial <invite> --key-file ${file}\n`,
  );
}

/** Makes a key and writes it to a new file, for its owner alone to read. Throws `file-exists` rather than replace one. */
export async function makeVoterKey(file: string): Promise<KeyPair> {
  if (file === DEFAULT_KEY_FILE) await makeFolder(dirname(file));
  const seed = new Uint8Array(randomBytes(32));
  const publicKey = publicKeyOf(seed);
  await writeKeyFile(file, { role: 'voter', seed, publicKey });
  return { seed, publicKey };
}
