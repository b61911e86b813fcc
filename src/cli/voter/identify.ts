import { PsephosError, unusable } from '../../base/errors.ts';
import type { PeerClient, VoterRecord } from '../../services/ports.ts';
import { type KnownElection, findVoter, seedOf } from '../../services/voter-session.ts';
import { readKeyFile } from '../../store/key-files.ts';
import type { Io } from '../io.ts';
import type { Ask } from './ask.ts';
import type { Console } from '../console.ts';
import { readSecret } from './secret.ts';

export interface IdentityFlags {
  readonly username?: string;
  readonly secretFile?: string;
  readonly keyFile?: string;
}

export interface Identity {
  readonly seed: Uint8Array;
  readonly record: VoterRecord;
}

/** What was read of a voter's flags before anything is asked or dialled. */
export type Credentials = { readonly seed: Uint8Array } | TypedCredentials;

/** Username and secret, as far as flags gave them. */
export interface TypedCredentials {
  readonly username: string | undefined;
  readonly secret: string | undefined;
}

/** Reads the files that the flags name. Throws what reading them throws. */
export async function readCredentials(flags: IdentityFlags, io: Io): Promise<Credentials> {
  if (flags.keyFile !== undefined) return { seed: (await readKeyFile(flags.keyFile, 'voter')).seed };
  const secret = flags.secretFile === undefined ? undefined : await readSecret(flags.secretFile, io);
  return { username: flags.username, secret };
}

/** The flags without which a voter can't be known where nobody can be asked. */
export function missingIdentity({ username, secretFile, keyFile }: IdentityFlags): string[] {
  if (keyFile !== undefined) return [];
  return [
    ...(username === undefined ? ['--username'] : []),
    ...(secretFile === undefined ? ['--secret-file'] : []),
  ];
}

/** Throws one usage error that names every flag that is missing. */
export function requireFlags(
  missing: readonly string[],
  hint = 'Give these flags, or run the program in a terminal. "--key-file FILE" can stand for username and secret.',
): void {
  if (missing.length === 0) return;
  throw unusable(
    'missing-flag',
    `Nobody can be asked, since this is no terminal: ${missing.join(', ')} missing.`,
    { hint },
  );
}

const ATTEMPTS = 3;
/** Failures that typing again may cure. */
const TYPED_WRONG = new Set(['bad-username', 'bad-secret', 'unknown-voter', 'wrong-secret']);

/** Finds out who the voter is, asking for what no flag gave. Throws `unknown-voter`, `wrong-secret`, `bad-secret` … */
export async function identify(
  met: { readonly client: PeerClient; readonly election: KnownElection },
  credentials: Credentials,
  ask: Ask | undefined,
  out: Console,
): Promise<Identity> {
  const { client, election } = met;
  if ('seed' in credentials) {
    return { seed: credentials.seed, record: await findVoter(client, election, { seed: credentials.seed }) };
  }
  return withTyped(credentials, ask, out, (username, secret) =>
    out.during('Working out your key and looking you up on the roll', async () => {
      const seed = seedOf(election.genesis, username, secret);
      return { seed, record: await findVoter(client, election, { seed, username }) };
    }),
  );
}

/** Does something with username and secret; what no flag gave is asked for, and again where it was mistyped. Throws what `use` throws. */
export async function withTyped<T>(
  credentials: TypedCredentials,
  ask: Ask | undefined,
  out: Console,
  use: (username: string, secret: string) => Promise<T>,
): Promise<T> {
  const askable =
    ask !== undefined && (credentials.username === undefined || credentials.secret === undefined);
  for (let attempt = 1; ; attempt++) {
    try {
      const username = credentials.username ?? (await ask?.username());
      const secret = credentials.secret ?? (await ask?.secret());
      if (username === undefined || secret === undefined)
        throw new Error('a flag is missing and nobody was asked');
      return await use(username, secret);
    } catch (error) {
      const again =
        askable && attempt < ATTEMPTS && error instanceof PsephosError && TYPED_WRONG.has(error.code);
      if (!again) throw error;
      out.note(`${error.message}\n${error.hint === undefined ? '' : `${error.hint}\n`}`);
    }
  }
}
