import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { unusable } from '../../base/errors.ts';
import { createFile, syncFolder } from '../../store/files.ts';
import { fileError } from '../../store/fs-errors.ts';
import { readSmallJson } from '../../store/small-file.ts';
import { CREDENTIALS_FILE, type Credential, credentialsCsv } from '../credentials/credentials.ts';
import { sheetsText } from '../credentials/sheet-text.ts';
import { SHEETS_PER_FILE, type SheetElection, sheetDocument } from '../credentials/sheets.ts';

/** All that a registrar hands out, from which every file in the folder of secrets is made. */
export interface Secrets {
  readonly election: SheetElection;
  readonly credentials: readonly Credential[];
}

/** The file that holds them for the program itself. */
const SOURCE_FILE = 'credentials.json';
/** As for the voters' list. */
const MAX_SOURCE_BYTES = 256 * 1024 * 1024;

const secretsSchema = z.strictObject({
  psephos: z.literal('credentials'),
  version: z.literal(1),
  election: z.strictObject({
    title: z.string(),
    of: z.literal('registrar'),
    fingerprint: z.string(),
    address: z
      .string()
      .optional()
      .transform((address) => address),
  }),
  credentials: z.array(
    z.strictObject({ username: z.string(), name: z.string(), email: z.string(), secret: z.string() }),
  ),
});

/**
 * Writes, or writes anew, all files that hold secrets, each whole or not at all and for its owner alone, and removes sheets that are not
 * among them. The program's own file comes last: until then what it is told again, it does again. Resolves to the files' names.
 */
export async function writeSecrets(
  folder: string,
  { election, credentials }: Secrets,
  onProgress: (voters: number) => void,
): Promise<string[]> {
  const names: string[] = [];
  const write = async (name: string, data: string | Uint8Array) => {
    await createFile(join(folder, name), { mode: 0o600, overwrite: true }, (file) => file.writeFile(data));
    names.push(name);
  };
  await write('README.txt', README);
  await write(CREDENTIALS_FILE, credentialsCsv(credentials));
  await write('sheets.txt', sheetsText(election, credentials));
  // Fonts and PDF take longer to load than to show a roll takes.
  const { SheetPrinter } = await import('../credentials/sheet-pdf.ts');
  const printer = await SheetPrinter.load();
  for (let from = 0; from < credentials.length; from += SHEETS_PER_FILE) {
    const some = credentials.slice(from, from + SHEETS_PER_FILE);
    const name = `sheets-${String(from / SHEETS_PER_FILE + 1).padStart(4, '0')}`;
    await write(`${name}.html`, sheetDocument(election, some));
    await write(`${name}.pdf`, await printer.print(election, some));
    onProgress(from + some.length);
  }
  for (const name of await readdir(folder))
    if (/^sheets-\d+\.(?:html|pdf)$/.test(name) && !names.includes(name)) await rm(join(folder, name));
  const source = { psephos: 'credentials', version: 1, election, credentials };
  await write(SOURCE_FILE, `${JSON.stringify(source, null, 1)}\n`);
  await syncFolder(folder);
  return names;
}

/** Reads the secrets back. Throws `unreadable-credentials`, whose message holds nothing of them, or the file system's refusal. */
export async function readSecrets(folder: string): Promise<Secrets> {
  const path = join(folder, SOURCE_FILE);
  const read = secretsSchema.safeParse(await readSmallJson(path, MAX_SOURCE_BYTES));
  if (!read.success) {
    throw unusable('unreadable-credentials', `${path} is not as this program wrote it.`, {
      hint: 'Nothing was changed. To delete the secrets of all voters, leave out --voter.',
    });
  }
  const { title, of, fingerprint, address } = read.data.election;
  return { election: { title, of, fingerprint, address }, credentials: read.data.credentials };
}

/** Deletes a folder of secrets with all that is in it; resolves to the names of what was there. */
export async function deleteSecrets(folder: string): Promise<string[]> {
  try {
    const names = (await readdir(folder)).sort();
    await rm(folder, { recursive: true });
    await syncFolder(join(folder, '..'));
    return names;
  } catch (error) {
    throw fileError(error, folder);
  }
}

const README = `These files hold the voters' secrets. Whoever reads them can vote in the voters' place: the
organiser must not get them.

- sheets-*.pdf, sheets-*.html: one page per voter. Print, hand out.
- sheets.txt: the same as text.
- credentials.csv: the same as a table, for a mail merge.
- credentials.json: the same for the program, which makes the others from it.

Once everybody has their sheet: node dist/registrar.js delete with the name of the folder that this
folder is in. The secrets are stored nowhere else, and a lost one can't be found again.
`;
