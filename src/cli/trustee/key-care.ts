import { dirname } from 'node:path';
import { makeFolder } from '../../store/files.ts';
import { readTrusteeKeyFile, writeTrusteeKeyFile } from '../../store/trustee-key-files.ts';
import { copyNotes } from '../../store/trustee-notes.ts';
import type { Console } from '../console.ts';
import type { Io } from '../io.ts';
import { programLine, quotePath } from '../program-line.ts';
import { scalarOfSeed } from '../../crypto/group/seed.ts';
import { group } from '../../crypto/group/group.ts';
import { DEFAULT_TRUSTEE_KEY } from './key-file-name.ts';
import { trusteeFingerprint } from '../../belenios/v1/sealed-round.ts';
import { type NewPassphraseFlags, type PassphraseFlags, newPassphrase, openKey } from './passphrase.ts';

export interface BackupFlags extends PassphraseFlags {
  readonly key: string;
  readonly out: string;
}

/** Copies a key, with its passphrase, after seeing that the passphrase opens it. Throws `file-exists`, and as `openKey`. */
export async function backup(flags: BackupFlags, io: Io, out: Console): Promise<void> {
  await copyKey(flags.key, flags.out, flags, io);
  out.emit({ event: 'backup', file: flags.out });
  out.say(
    `A copy of your key is in ${flags.out}\n` +
      'With it is what was noted beside the key so far; make a new copy after a key ceremony and after each count.\n' +
      'Keep it on another medium, and its passphrase elsewhere. To put it back:\n' +
      `  ${programLine('trustee')} restore ${quotePath(flags.out)} --key <key file>\n`,
  );
}

export interface RestoreFlags extends PassphraseFlags {
  readonly key: string;
}

/** Puts a copy of a key back in its place, after seeing that the passphrase opens it. Throws `file-exists`, and as `openKey`. */
export async function restore(copy: string, flags: RestoreFlags, io: Io, out: Console): Promise<void> {
  if (flags.key === DEFAULT_TRUSTEE_KEY) await makeFolder(dirname(flags.key));
  const { seed } = await copyKey(copy, flags.key, flags, io);
  const fingerprint = trusteeFingerprint(group.multiplyBase(scalarOfSeed(seed)));
  out.emit({ event: 'restored', file: flags.key, fingerprint });
  out.say(
    `Your key is back in ${flags.key}\n` +
      'With it is what was noted when the copy was made: which steps it gave, and which sums it decrypted. What it did after that, only the log knows,\n' +
      'once the organiser has it there. Do not use two copies of one key.\n',
  );
}

/** The copy keeps the form of the original: protected by the same passphrase, or not. What the key was used for is copied with it. */
async function copyKey(from: string, to: string, flags: PassphraseFlags, io: Io) {
  const stored = await readTrusteeKeyFile(from);
  const key = await openKey(from, flags, io);
  await (stored.locked ? stored.copyTo(to) : writeTrusteeKeyFile(to, key, undefined));
  await copyNotes({ path: from, publicKey: key.publicKey }, to);
  return key;
}

export interface PassphraseChangeFlags extends NewPassphraseFlags {
  readonly key: string;
  readonly newPassphraseFile?: string;
}

/** Protects a key with another passphrase, or with none. Throws as `openKey` and `newPassphrase`; the old file stays until the new one is whole. */
export async function changePassphrase(flags: PassphraseChangeFlags, io: Io, out: Console): Promise<void> {
  const key = await openKey(flags.key, flags, io);
  const { newPassphraseFile } = flags;
  const passphrase = await newPassphrase(
    {
      passphrase: flags.passphrase,
      ...(newPassphraseFile === undefined ? {} : { passphraseFile: newPassphraseFile }),
    },
    io,
  );
  await writeTrusteeKeyFile(flags.key, key, passphrase, { replace: true });
  out.emit({ event: 'passphrase', file: flags.key, passphrase: passphrase !== undefined });
  out.say(
    passphrase === undefined
      ? `${flags.key} is no longer protected by a passphrase: whoever can read it has your key.\n`
      : `${flags.key} has its new passphrase. Copies that you made before have the old one.\n`,
  );
}
