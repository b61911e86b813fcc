import { refused, unusable } from '../../base/errors.ts';
import { openToRead } from '../../store/files.ts';
import { fileError } from '../../store/fs-errors.ts';
import type { Io } from '../io.ts';

/** A secret has 29 characters; whatever is longer than this is another file. */
const MAX_SECRET_BYTES = 1000;

/** What a file is to hold, as errors call it. */
export type SecretKind = 'secret' | 'passphrase' | 'invitation';

/**
 * Reads a voter's secret, or something else that only its owner may see, from a file or, for `-`, from standard input, as it was typed. Throws `secret-file-exposed` for
 * a file that other accounts can read, `bad-secret-file`, or the file system's refusal; no error quotes the content.
 */
export async function readSecret(path: string, io: Io, what: SecretKind = 'secret'): Promise<string> {
  if (path !== '-') return readSecretFile(path, what);
  if (io.stdin.isTTY === true) {
    throw unusable(
      'usage',
      `--${what}-file - reads the ${what} from a pipe, and standard input is a terminal.`,
      {
        hint: `Leave the flag out to be asked for the ${what}.`,
      },
    );
  }
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of io.stdin) {
    const bytes = Buffer.from(part);
    length += bytes.length;
    if (length > MAX_SECRET_BYTES) throw notASecret('standard input', what);
    parts.push(bytes);
  }
  return Buffer.concat(parts).toString('utf8');
}

async function readSecretFile(path: string, what: SecretKind): Promise<string> {
  const file = await openToRead(path);
  try {
    const stat = await file.stat();
    if (stat.isDirectory()) throw fileError(Object.assign(new Error('EISDIR'), { code: 'EISDIR' }), path);
    // A pipe (`--secret-file <(pass show vote)`) has no other readers; Windows shows every file as readable by all.
    if (stat.isFile() && process.platform !== 'win32' && (stat.mode & 0o077) !== 0) {
      throw refused(
        'secret-file-exposed',
        `${path} can be read or changed by other accounts on this computer.`,
        {
          hint: `Type: chmod 600 '${path}'`,
        },
      );
    }
    const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_SECRET_BYTES + 1));
    if (bytesRead > MAX_SECRET_BYTES) throw notASecret(path, what);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}

function notASecret(path: string, what: SecretKind): Error {
  return unusable('bad-secret-file', `What ${path} holds is too long for a ${what}.`, {
    hint: `It should hold the ${what} alone.`,
  });
}
