import { randomBytes } from 'node:crypto';
import { dirname } from 'node:path';
import { unusable } from '../../base/errors.ts';
import { normaliseSecret } from '../../crypto/credential.ts';
import { publicKeyOf } from '../../crypto/signature.ts';
import { exists, makeFolder } from '../../store/files.ts';
import type { KeyPair } from '../../store/key-files.ts';
import { writeTrusteeKeyFile } from '../../store/trustee-key-files.ts';
import type { Console } from '../console.ts';
import type { Io } from '../io.ts';
import { programLine, quotePath } from '../program-line.ts';
import { readSecret } from '../voter/secret.ts';
import { askHidden } from './ask.ts';
import { DEFAULT_TRUSTEE_KEY } from './key-file-name.ts';
import { type NewPassphraseFlags, newPassphrase, openKey } from './passphrase.ts';

export interface KeyFlags extends NewPassphraseFlags {
  readonly key: string;
  readonly invitationFile?: string;
}

/** A trustee's key, and the code of its invitation where that is at hand. */
export interface OwnKey {
  readonly path: string;
  readonly key: KeyPair;
  readonly invitation: string | undefined;
}

/** Opens the key that is there, or makes one for whoever has an invitation. Throws as `openKey`, `newPassphrase` and `readInvitation`. */
export async function takeUpKey(flags: KeyFlags, io: Io, out: Console): Promise<OwnKey> {
  const path = flags.key;
  const given =
    flags.invitationFile === undefined ? undefined : await readInvitation(flags.invitationFile, io);
  if (await exists(path)) return { path, key: await openKey(path, flags, io), invitation: given };
  const invitation = given ?? (await askInvitation(io));
  if (invitation === undefined)
    throw unusable('usage', `There is no key in ${path} yet, and an invitation is needed to make one.`, {
      hint: 'Give the file that the organiser gave you: --invitation-file FILE',
    });
  const passphrase = await newPassphrase(flags, io);
  if (path === DEFAULT_TRUSTEE_KEY) await makeFolder(dirname(path));
  const seed = new Uint8Array(randomBytes(32));
  const key = { seed, publicKey: publicKeyOf(seed) };
  await writeTrusteeKeyFile(path, key, passphrase);
  out.emit({ event: 'key', file: path, passphrase: passphrase !== undefined });
  out.say(
    `Your key is made: ${path}\n` +
      'Without it, and its passphrase, you can decrypt nothing. Keep a copy on another medium:\n' +
      `  ${programLine('trustee')} backup --key ${quotePath(path)} --out <file>\n`,
  );
  return { path, key, invitation };
}

/** A code anywhere in a text: six groups of four. */
const CODE = /(?<![0-9A-Za-z-])[0-9A-Za-z]{4}(?:-[0-9A-Za-z]{4}){5}(?![0-9A-Za-z-])/g;

/** Reads an invitation's code from the file that the organiser gave, or from one that holds the code alone. Throws `bad-invitation`, and as `readSecret`. */
export async function readInvitation(path: string, io: Io): Promise<string> {
  const text = await readSecret(path, io, 'invitation');
  for (const candidate of [text, ...(text.match(CODE) ?? [])]) {
    const code = normaliseSecret(candidate);
    if (code.ok) return code.value;
  }
  throw unusable('bad-invitation', `There is no invitation code in ${path}.`, {
    hint: 'It has six groups of four letters and digits. Give the file that the organiser gave you.',
  });
}

/** Asks for an invitation's code; undefined where nobody can be asked. */
export async function askInvitation(io: Io): Promise<string | undefined> {
  for (;;) {
    const typed = await askHidden(io, 'Your invitation code');
    if (typed === undefined) return undefined;
    const code = normaliseSecret(typed);
    if (code.ok) return code.value;
    io.stderr.write(`That can't be right: ${code.error}.\n`);
  }
}
