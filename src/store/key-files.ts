import { constants } from 'node:fs/promises';
import * as z from 'zod';
import { equalBytes, fromHex, toHex } from '../base/bytes.ts';
import { refused, unusable } from '../base/errors.ts';
import { publicKeyOf } from '../crypto/signature.ts';
import { firstIssue } from '../election/schemas.ts';
import { createFile, openToRead } from './files.ts';

export type KeyRole = 'admin' | 'voter' | 'trustee' | 'registrar' | 'observer' | 'relay';

export interface KeyPair {
  /** Ed25519 seed (RFC 8032), 32 bytes. */
  readonly seed: Uint8Array;
  /** Its public key, 32 bytes. */
  readonly publicKey: Uint8Array;
}

const hex32 = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hex digits');
const keyFileSchema = z.strictObject({
  psephos: z.literal('key'),
  version: z.literal(1),
  role: z.enum(['admin', 'voter', 'trustee', 'registrar', 'observer', 'relay']),
  publicKey: hex32,
  seed: hex32,
});

/** A key file has about 220 bytes; other people's spacing may make it somewhat longer. */
const MAX_KEY_FILE_BYTES = 4096;

/** Writes a key file, readable by its owner only. Throws `file-exists` rather than replace one, unless `replace` says that it may. */
export async function writeKeyFile(
  path: string,
  key: KeyPair & { readonly role: KeyRole },
  { replace = false }: { readonly replace?: boolean } = {},
): Promise<void> {
  const content: z.infer<typeof keyFileSchema> = {
    psephos: 'key',
    version: 1,
    role: key.role,
    publicKey: toHex(key.publicKey),
    seed: toHex(key.seed),
  };
  await createFile(path, { mode: 0o600, overwrite: replace }, (file) =>
    file.writeFile(`${JSON.stringify(content, null, 2)}\n`),
  );
}

/**
 * Reads a key file. Throws `key-file-exposed` when other accounts of the machine can read it, `not-a-key-file`,
 * `wrong-key-role`, or the file system's refusal; no error carries any of the file's content.
 */
export async function readKeyFile(path: string, role: KeyRole): Promise<KeyPair> {
  return decodeKey(await readKeyJson(path), path, role);
}

/** What a key file holds, as JSON, whatever it says. Throws `key-file-exposed`, `not-a-key-file`, or the file system's refusal. */
export async function readKeyJson(path: string): Promise<unknown> {
  return parseJson(await readPrivately(path), path);
}

/** The key that a key file's JSON says in the clear. Throws as `readKeyFile`. */
export function decodeKey(json: unknown, path: string, role: KeyRole): KeyPair {
  const content = keyFileSchema.safeParse(json);
  if (!content.success) throw notAKeyFile(path, firstIssue(content.error));
  const found = content.data;
  if (found.role !== role) {
    throw unusable(
      'wrong-key-role',
      `${path} holds the key of a role "${found.role}", where "${role}" is needed.`,
    );
  }
  const seed = fromHex(found.seed) as Uint8Array;
  const publicKey = fromHex(found.publicKey) as Uint8Array;
  if (!equalBytes(publicKeyOf(seed), publicKey)) {
    throw notAKeyFile(path, 'its public key does not belong to its secret, so one of them was changed');
  }
  return { seed, publicKey };
}

async function readPrivately(path: string): Promise<string> {
  // Non-blocking, so that a named pipe that nobody writes to can't hold the program up.
  const file = await openToRead(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stat = await file.stat();
    if (!stat.isFile() || stat.size > MAX_KEY_FILE_BYTES)
      throw notAKeyFile(path, 'it is no file, or too large a one');
    // Windows has no such bits and shows every file as readable by all.
    if (process.platform !== 'win32' && (stat.mode & 0o077) !== 0) {
      throw refused(
        'key-file-exposed',
        `${path} can be read or changed by other accounts on this computer.`,
        {
          hint: `Type: chmod 600 ${quoted(path)}`,
        },
      );
    }
    return (await file.readFile()).toString('utf8');
  } finally {
    await file.close();
  }
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message quotes what it read, which may be part of a secret.
    throw notAKeyFile(path, 'it is not JSON');
  }
}

export function notAKeyFile(path: string, why: string): Error {
  return unusable('not-a-key-file', `${path} can't be read as a key file: ${why}.`);
}

function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
