import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'csv-stringify/sync';
import { type KdfCost, generateSecret } from '../../crypto/credential.ts';
import type { Voter } from '../../election/entries.ts';
import { writeSecretFile } from '../../store/files.ts';
import { deriveKeys } from './derive-keys.ts';
import type { ListedVoter } from './roll-file.ts';
import { SHEETS_PER_FILE, type SheetElection, sheetDocument } from './sheets.ts';

/** What the organiser hands to a voter. */
export interface Credential {
  readonly username: string;
  readonly name: string;
  readonly email: string;
  readonly secret: string;
}

export interface MadeCredentials {
  /** The roll: listed keys as they were, the others derived from the credentials. */
  readonly voters: readonly Voter[];
  /** One for each voter who came without a key, in the list's order. */
  readonly credentials: readonly Credential[];
}

/** Gives a secret to every listed voter who has no key, and works out the keys. Throws `interrupted`. */
export async function makeCredentials(
  listed: readonly ListedVoter[],
  election: { readonly uuid: string; readonly kdf: KdfCost },
  how: {
    readonly random: (length: number) => Uint8Array;
    readonly onProgress: (done: number) => void;
    readonly signal: AbortSignal;
  },
): Promise<MadeCredentials> {
  const credentials = listed
    .filter(({ publicKey }) => publicKey === null)
    .map(({ username, name, email }) => ({ username, name, email, secret: generateSecret(how.random) }));
  const keys = (await deriveKeys({ ...election, people: credentials }, how)).values();
  const voters = listed.map(({ username, weight, publicKey }) => {
    const key = publicKey ?? keys.next().value;
    if (key === undefined) throw new Error('fewer keys were derived than voters need');
    return { name: username, key, weight };
  });
  return { voters, credentials };
}

/** Where the files for the voters are, inside the data folder. */
export const CREDENTIALS_FOLDER = 'credentials';
export const CREDENTIALS_FILE = 'credentials.csv';

/** Writes the organiser's list and the printable sheets, readable by the owner alone; resolves to their names. */
export async function writeCredentials(
  dataFolder: string,
  election: SheetElection,
  credentials: readonly Credential[],
): Promise<string[]> {
  if (credentials.length === 0) return [];
  const folder = join(dataFolder, CREDENTIALS_FOLDER);
  await mkdir(folder, { mode: 0o700 });
  const files: (readonly [string, string])[] = [
    ['README.txt', README],
    [CREDENTIALS_FILE, credentialsCsv(credentials)],
  ];
  for (const [name, text] of files) await writeSecretFile(join(folder, name), text);
  const names = files.map(([name]) => name);
  for (let from = 0; from < credentials.length; from += SHEETS_PER_FILE) {
    const name = `sheets-${String(from / SHEETS_PER_FILE + 1).padStart(4, '0')}.html`;
    await writeSecretFile(
      join(folder, name),
      sheetDocument(election, credentials.slice(from, from + SHEETS_PER_FILE)),
    );
    names.push(name);
  }
  return names;
}

/** The organiser's list as CSV; a cell that a spreadsheet would run as a formula gets an apostrophe before it. */
export function credentialsCsv(credentials: readonly Credential[]): string {
  const rows = credentials.map(({ username, name, email, secret }) => [username, name, email, secret]);
  return stringify([['username', 'name', 'email', 'secret'], ...rows], {
    escape_formulas: true,
    record_delimiter: 'windows',
  });
}

const README = `These files hold the voters' secrets. Whoever reads them can vote in the voters' place.

- sheets-*.html: one page per voter. Open in a browser, print, hand out.
- credentials.csv: the same as a table.

Delete this whole folder once everybody has their sheet: nothing else needs it, and the
secrets are stored nowhere else. A lost secret can't be found again.
`;
