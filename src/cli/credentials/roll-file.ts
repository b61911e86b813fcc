import { CsvError, parse } from 'csv-parse/sync';
import { fromHex, toHex } from '../../base/bytes.ts';
import { unusable } from '../../base/errors.ts';
import { normaliseUsername } from '../../crypto/credential.ts';
import { isAcceptableKey } from '../../crypto/signature.ts';
import { MAX_WEIGHT } from '../../election/limits.ts';
import { linesOf, throwProblems } from '../text-file.ts';

/** A voter as the organiser's list has it. */
export interface ListedVoter {
  readonly username: string;
  /** For the printed sheet and the organiser's own list; empty where the list says nothing. */
  readonly name: string;
  readonly email: string;
  readonly weight: number;
  /** Ed25519 public key (RFC 8032) of a voter who made one; null for those who need a secret. */
  readonly publicKey: Uint8Array | null;
}

const COLUMNS = ['username', 'name', 'email', 'weight', 'publicKey'] as const;
type Column = (typeof COLUMNS)[number];
type Row = Readonly<Record<Column, string>> & { readonly line: number };

/** An email address or a person's name is never longer. */
const MAX_CELL = 1000;

/**
 * Reads a list of voters: one username a line, or CSV whose header names some of `username,name,email,weight,publicKey`
 * (separated by comma, semicolon or tab). Throws `bad-roll` with every fault and the line that it is on.
 */
export function parseRoll(
  text: string,
  path: string,
  onProgress: (voters: number) => void = () => undefined,
): ListedVoter[] {
  const [first] = linesOf(text);
  if (first === undefined) throw unusable('bad-roll', `${path} holds no voter.`);
  const separator = separatorOf(first.text);
  const problems: string[] = [];
  const rows = separator === undefined ? plainRows(text, problems) : csvRows(text, separator, path, problems);
  const voters = new Map<string, { voter: ListedVoter; line: number }>();
  const keys = new Map<string, number>();
  for (const [index, row] of rows.entries()) {
    // The check of a public key costs a tenth of a millisecond.
    if (index % 1000 === 999) onProgress(index + 1);
    const voter = readRow(row, problems);
    if (voter === undefined) continue;
    const twin = voters.get(voter.username);
    if (twin !== undefined)
      problems.push(`Lines ${twin.line} and ${row.line}: the username "${voter.username}" is there twice.`);
    else voters.set(voter.username, { voter, line: row.line });
    if (voter.publicKey === null) continue;
    const key = toHex(voter.publicKey);
    const sameKey = keys.get(key);
    if (sameKey !== undefined)
      problems.push(`Lines ${sameKey} and ${row.line}: two voters have the same public key.`);
    keys.set(key, row.line);
  }
  throwProblems('bad-roll', path, problems);
  if (voters.size === 0) throw unusable('bad-roll', `${path} holds no voter, only a header.`);
  return [...voters.values()].map(({ voter }) => voter);
}

/** What separates the columns, where the first line is a header; undefined for a plain list. */
function separatorOf(header: string): string | undefined {
  const isUsername = (cell: string) => cell.trim().replaceAll('"', '').toLowerCase() === 'username';
  return [',', ';', '\t'].find((separator) => header.split(separator).some(isUsername));
}

function plainRows(text: string, problems: string[]): Row[] {
  return linesOf(text).flatMap(({ number, text: username }) => {
    if (!/[,;\t"]/.test(username))
      return [{ username, name: '', email: '', weight: '', publicKey: '', line: number }];
    problems.push(
      `Line ${number}: ${JSON.stringify(username)} looks like several columns; CSV begins with a header such as "username,name,email".`,
    );
    return [];
  });
}

function csvRows(text: string, separator: string, path: string, problems: string[]): Row[] {
  const rows: Row[] = [];
  let columns: readonly Column[] | undefined;
  const take = (cells: readonly string[], line: number) => {
    if (columns === undefined) columns = readHeader(cells, line, path);
    else if (cells.length === columns.length) rows.push(rowOf(columns, cells, line));
    else problems.push(`Line ${line}: ${cells.length} columns, where the header has ${columns.length}.`);
  };
  try {
    parse(text, {
      delimiter: separator,
      trim: true,
      relax_column_count: true,
      skip_empty_lines: true,
      skip_records_with_empty_values: true,
      // Rows are taken one by one, since a list of a million voters must not be held twice.
      on_record: (cells: string[], { lines }) => {
        take(cells, lines);
        return null;
      },
    });
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw unusable('bad-roll', `${path} is not well-formed CSV: ${error.message}.`, { cause: error });
  }
  return rows;
}

function readHeader(cells: readonly string[], line: number, path: string): readonly Column[] {
  const problems: string[] = [];
  const columns = cells.flatMap((cell, index) => {
    const column = COLUMNS.find((known) => known.toLowerCase() === cell.toLowerCase());
    if (column === undefined)
      problems.push(
        `Line ${line}: there is no column ${JSON.stringify(cell)}; possible are ${COLUMNS.join(', ')}.`,
      );
    else if (cells.slice(0, index).some((other) => other.toLowerCase() === cell.toLowerCase())) {
      problems.push(`Line ${line}: the column "${column}" is there twice.`);
    }
    return column === undefined ? [] : [column];
  });
  throwProblems('bad-roll', path, problems);
  return columns;
}

function rowOf(columns: readonly Column[], cells: readonly string[], line: number): Row {
  const cell = (column: Column) => cells[columns.indexOf(column)] ?? '';
  return {
    username: cell('username'),
    name: cell('name'),
    email: cell('email'),
    weight: cell('weight'),
    publicKey: cell('publicKey'),
    line,
  };
}

/** A voter, or undefined with what is wrong added to `problems`. */
function readRow(row: Row, problems: string[]): ListedVoter | undefined {
  const found: string[] = [];
  const username = normaliseUsername(row.username);
  if (!username.ok) found.push(`the username can't be used: ${username.error}`);
  for (const column of ['name', 'email'] as const) {
    if (row[column].length > MAX_CELL) found.push(`the ${column} is longer than ${MAX_CELL} characters`);
    if (/\p{Cc}/u.test(row[column])) found.push(`the ${column} contains a control character or a line break`);
  }
  const weight = row.weight === '' ? 1 : readWeight(row.weight);
  if (weight === undefined)
    found.push(`the weight ${JSON.stringify(row.weight)} is not a whole number from 1 to ${MAX_WEIGHT}`);
  const publicKey = row.publicKey === '' ? null : readKey(row.publicKey, found);
  problems.push(...found.map((problem) => `Line ${row.line}: ${problem}.`));
  if (!username.ok || weight === undefined || found.length > 0) return undefined;
  return { username: username.value, name: row.name.normalize('NFC'), email: row.email, weight, publicKey };
}

function readWeight(text: string): number | undefined {
  const weight = /^[1-9][0-9]{0,6}$/.test(text) ? Number(text) : 0;
  return weight >= 1 && weight <= MAX_WEIGHT ? weight : undefined;
}

function readKey(text: string, problems: string[]): Uint8Array | null {
  const key = fromHex(text.toLowerCase());
  if (key?.length !== 32) problems.push('the public key is not 64 hexadecimal digits');
  else if (isAcceptableKey(key)) return key;
  else problems.push('the public key is not an acceptable Ed25519 key (not canonical, or of small order)');
  return null;
}
