import { randomBytes } from 'node:crypto';
import { dirname } from 'node:path';
import { publicKeyOf } from '../crypto/signature.ts';
import { exists, makeFolder } from '../store/files.ts';
import { type KeyPair, type KeyRole, readKeyFile, writeKeyFile } from '../store/key-files.ts';

/** The key in a file, which is a program's own identity; made the first time, and its folder with it. Throws as `readKeyFile` does. */
export async function takeOwnKey(path: string, role: KeyRole): Promise<KeyPair> {
  await makeFolder(dirname(path));
  if (await exists(path)) return readKeyFile(path, role);
  const seed = new Uint8Array(randomBytes(32));
  const key = { seed, publicKey: publicKeyOf(seed) };
  await writeKeyFile(path, { role, ...key });
  return key;
}
