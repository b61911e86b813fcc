import { refused, unusable } from '../../base/errors.ts';
import type { KeyPair } from '../../store/key-files.ts';
import { readTrusteeKeyFile, wrongPassphrase } from '../../store/trustee-key-files.ts';
import type { Io } from '../io.ts';
import { askHidden } from './ask.ts';
import { readSecret } from '../voter/secret.ts';

/** What the command line says of a key's passphrase. */
export interface PassphraseFlags {
  readonly passphraseFile?: string;
}

/** What it says of the passphrase of a key that is to be made; `passphrase` is false with `--no-passphrase`. */
export interface NewPassphraseFlags extends PassphraseFlags {
  readonly passphrase: boolean;
}

/** Too few to be more than a nuisance to whoever finds the file. */
const LEAST_CHARACTERS = 12;
const TRIES = 3;

/** Reads a trustee's key, and opens it with its passphrase where it has one. Throws `wrong-passphrase`, and as `readTrusteeKeyFile`. */
export async function openKey(path: string, flags: PassphraseFlags, io: Io): Promise<KeyPair> {
  const stored = await readTrusteeKeyFile(path);
  if (!stored.locked) return stored.key;
  if (flags.passphraseFile !== undefined) {
    const key = stored.open(await readPassphrase(flags.passphraseFile, io));
    if (key === undefined) throw wrongPassphrase(path);
    return key;
  }
  for (let left = TRIES; left > 0; left--) {
    const typed = await askHidden(io, `Passphrase of ${path}`);
    if (typed === undefined)
      throw unusable('usage', `${path} is protected by a passphrase, and nobody can be asked for it here.`, {
        hint: 'Give a file that holds it: --passphrase-file FILE',
      });
    const key = stored.open(typed);
    if (key !== undefined) return key;
    io.stderr.write('That passphrase does not open it.\n');
  }
  throw wrongPassphrase(path);
}

/** The passphrase for a key that is to be made; undefined where none is wanted. Throws `weak-passphrase` and usage errors. */
export async function newPassphrase(flags: NewPassphraseFlags, io: Io): Promise<string | undefined> {
  if (flags.passphraseFile !== undefined) return strong(await readPassphrase(flags.passphraseFile, io));
  if (!flags.passphrase) return undefined;
  for (let left = TRIES; left > 0; left--) {
    const typed = await askHidden(
      io,
      `A new passphrase for your key (${LEAST_CHARACTERS} characters at least, several words are good)`,
    );
    if (typed === undefined)
      throw unusable(
        'usage',
        'A trustee’s key is protected by a passphrase, and nobody can be asked for one here.',
        {
          hint: 'Give a file that holds it: --passphrase-file FILE. Or go without, if nobody else can read this disk: --no-passphrase',
        },
      );
    if (typed.length < LEAST_CHARACTERS) {
      io.stderr.write(`That has fewer than ${LEAST_CHARACTERS} characters.\n`);
      continue;
    }
    if ((await askHidden(io, 'The same again')) === typed) return typed;
    io.stderr.write('The two differ.\n');
  }
  throw refused('no-passphrase', 'No passphrase was chosen. Nothing was written.');
}

/** Reads a passphrase from a file or, for `-`, standard input; the end of its line is not a part of it. */
async function readPassphrase(path: string, io: Io): Promise<string> {
  const text = (await readSecret(path, io, 'passphrase')).replace(/\r?\n$/, '');
  if (text === '')
    throw unusable('bad-secret-file', `What ${path} holds is empty, where a passphrase was expected.`);
  return text;
}

function strong(passphrase: string): string {
  if (passphrase.length >= LEAST_CHARACTERS) return passphrase;
  throw refused('weak-passphrase', `A passphrase has ${LEAST_CHARACTERS} characters at least.`, {
    hint: 'Several words that have nothing to do with each other are easy to keep and hard to guess.',
  });
}
