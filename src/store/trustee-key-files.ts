import { randomBytes } from 'node:crypto';
import { equalBytes, fromHex, toHex, utf8ToBytes } from '../base/bytes.ts';
import { refused } from '../base/errors.ts';
import { isAcceptableKdf } from '../crypto/credential.ts';
import { type Locked, lockSecret, unlockSecret } from '../crypto/passphrase.ts';
import { publicKeyOf } from '../crypto/signature.ts';
import * as z from 'zod';
import { createFile, realPath, writeSecretFile } from './files.ts';
import { type KeyPair, decodeKey, notAKeyFile, readKeyJson, writeKeyFile } from './key-files.ts';

const hex = (bytes: number) =>
  z.string().regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`), `expected ${2 * bytes} lower-case hex digits`);

/** A key file of version 2: the seed is encrypted. */
const lockedSchema = z.strictObject({
  psephos: z.literal('key'),
  version: z.literal(2),
  role: z.literal('trustee'),
  publicKey: hex(32),
  locked: z.strictObject({
    kdf: z
      .strictObject({ name: z.literal('argon2id'), ops: z.int(), mem: z.int() })
      .refine(isAcceptableKdf, 'an Argon2id cost out of bounds'),
    salt: hex(16),
    nonce: hex(24),
    ciphertext: hex(48),
  }),
});
type LockedFile = z.infer<typeof lockedSchema>;

/** A trustee's key as its file has it: to be opened with a passphrase, or as it is. */
export type StoredTrusteeKey =
  | { readonly locked: false; readonly key: KeyPair }
  | {
      readonly locked: true;
      readonly publicKey: Uint8Array;
      /** The key; undefined for a wrong passphrase. Blocks for about half a second. */
      readonly open: (passphrase: string) => KeyPair | undefined;
      /** Writes the same file elsewhere. Throws `file-exists`, or the file system's refusal. */
      readonly copyTo: (path: string) => Promise<void>;
    };

/** Reads a trustee's key file. Throws as `readKeyFile`. */
export async function readTrusteeKeyFile(path: string): Promise<StoredTrusteeKey> {
  const json = await readKeyJson(path);
  const locked = lockedSchema.safeParse(json);
  if (!locked.success) return { locked: false, key: decodeKey(json, path, 'trustee') };
  const file = locked.data;
  const publicKey = bytesOf(file.publicKey);
  return {
    locked: true,
    publicKey,
    open: (passphrase) => {
      const seed = unlockSecret(lockedOf(file), passphrase, aboutOf(publicKey));
      if (seed === undefined) return undefined;
      if (!equalBytes(publicKeyOf(seed), publicKey))
        throw notAKeyFile(path, 'its public key does not belong to its secret');
      return { seed, publicKey };
    },
    copyTo: (to) => writeSecretFile(to, `${JSON.stringify(file, null, 2)}\n`),
  };
}

/**
 * Writes a trustee's key, encrypted with the passphrase, or as it is where there is none. Throws `file-exists` rather than replace a file, unless
 * `replace` says that it may.
 */
export async function writeTrusteeKeyFile(
  path: string,
  key: KeyPair,
  passphrase: string | undefined,
  { replace = false }: { readonly replace?: boolean } = {},
): Promise<void> {
  // A link stays one, and the notes beside the file that it leads to stay with the key.
  if (replace) path = await realPath(path);
  if (passphrase === undefined) return writeKeyFile(path, { role: 'trustee', ...key }, { replace });
  const text = `${JSON.stringify(lockedFile(key, passphrase), null, 2)}\n`;
  await createFile(path, { mode: 0o600, overwrite: replace }, (file) => file.writeFile(text));
}

function lockedFile({ seed, publicKey }: KeyPair, passphrase: string): LockedFile {
  const { kdf, salt, nonce, ciphertext } = lockSecret(seed, passphrase, aboutOf(publicKey), (length) =>
    Uint8Array.from(randomBytes(length)),
  );
  return {
    psephos: 'key',
    version: 2,
    role: 'trustee',
    publicKey: toHex(publicKey),
    locked: {
      kdf: { name: 'argon2id', ops: kdf.ops, mem: kdf.mem },
      salt: toHex(salt),
      nonce: toHex(nonce),
      ciphertext: toHex(ciphertext),
    },
  };
}

function lockedOf({ locked }: LockedFile): Locked {
  const { kdf, salt, nonce, ciphertext } = locked;
  return { kdf, salt: bytesOf(salt), nonce: bytesOf(nonce), ciphertext: bytesOf(ciphertext) };
}

function aboutOf(publicKey: Uint8Array): Uint8Array {
  return utf8ToBytes(`psephos/trustee-key/v2\0${toHex(publicKey)}`);
}

function bytesOf(digits: string): Uint8Array {
  const bytes = fromHex(digits);
  if (bytes === undefined) throw new Error('hex digits that the schema let through');
  return bytes;
}

/** For a passphrase that does not open a key. */
export function wrongPassphrase(path: string): Error {
  return refused('wrong-passphrase', `The passphrase does not open ${path}.`, {
    hint: 'Try again: upper and lower case, spaces and the keyboard layout matter. Nobody can find a lost passphrase.',
  });
}
