import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { equalBytes } from '../../base/bytes.ts';
import { unusable } from '../../base/errors.ts';
import { decodePublicKeyFile } from '../../belenios/v1/encoding/key-files.ts';
import { problemText } from '../../belenios/v1/encoding/problem.ts';
import type { TrusteePublicKey } from '../../belenios/v1/messages.ts';
import type { SoundTrustees } from '../../belenios/v1/sealed-round.ts';
import type { Scalar } from '../../crypto/group/group.ts';
import { scalarOfSeed } from '../../crypto/group/seed.ts';
import { nameSchema } from '../../election/schemas.ts';
import { codeOf, fileError } from '../../store/fs-errors.ts';
import { readTrusteeKeyFile } from '../../store/trustee-key-files.ts';
import { readSmallFile } from '../../store/small-file.ts';

/** Where `admin init` puts the key of a trustee that is the organiser. */
export function ownTrusteeKeyFile(keys: string, uuid: string): string {
  return join(keys, `trustee-${uuid}.key`);
}

/** A trustee's key that the organiser holds. */
export interface OwnTrustee {
  /** The trustee's number in the election, from 1. */
  readonly trustee: number;
  readonly secret: Scalar;
}

const KEY_NAME = /^trustee.*\.key$/;

/**
 * The keys of the election's trustees that lie in the organiser's own folder, as `trustee….key`. Throws what `readKeyFile` throws, such as
 * for a key file that others can read.
 */
export async function ownTrustees(
  keysFolder: string,
  { keys }: Pick<SoundTrustees, 'keys'>,
): Promise<OwnTrustee[]> {
  const own: OwnTrustee[] = [];
  for (const name of await namesIn(keysFolder)) {
    if (!KEY_NAME.test(name)) continue;
    const stored = await readTrusteeKeyFile(join(keysFolder, name));
    // One with a passphrase is for the trustee's own program.
    if (stored.locked) continue;
    const { seed, publicKey } = stored.key;
    const index = keys.findIndex((key) => equalBytes(key, publicKey));
    if (index !== -1) own.push({ trustee: index + 1, secret: scalarOfSeed(seed) });
  }
  return own;
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw fileError(error, folder);
  }
}

const MAX_PUBLIC_KEY_BYTES = 4096;

/** Reads a trustee's public key file, as "trustee keygen" writes it and as Belenios does. Throws `not-a-trustee-key`. */
export async function readTrusteePublicKey(path: string): Promise<TrusteePublicKey> {
  const text = await readSmallFile(path, MAX_PUBLIC_KEY_BYTES);
  const read = text === undefined ? undefined : decodePublicKeyFile(text);
  if (read?.ok === true && isShowable(read.value.name)) return read.value;
  const why =
    read === undefined
      ? 'it is too large, or no text'
      : read.ok
        ? 'the name in it can not be shown'
        : problemText(read.error);
  throw unusable('not-a-trustee-key', `${path} can't be read as a trustee's public key: ${why}.`, {
    hint: 'Give the file that ends in .pub, which "trustee keygen" wrote beside the key.',
  });
}

/** A name that would drive a terminal is nobody's. */
function isShowable(name: string | undefined): boolean {
  return name === undefined || nameSchema.safeParse(name).success;
}
