import { utf8ToBytes } from '../../../base/bytes.ts';
import { type Result, err, ok } from '../../../base/result.ts';

/**
 * The one layout of tar that a Belenios archive has (specification, 4.4, "old-style"): blocks of 512 bytes; every file has
 * a header block and a body filled up with zeros; nothing at the end. In the header: name at 0, mode 0644 at 100, user and
 * group 0 at 108 and 116, size at 124 and time at 136 as 11 octal digits, sum of the header's bytes at 148 as 6 octal
 * digits, NUL and space, type `0` at 156. All else is zero: no magic, no names of users.
 */
export const BLOCK = 512;

const LONGEST_NAME = 99;
const LARGEST_NUMBER = 8 ** 11 - 1;
const SIZE_AT = 124;
const CHECKSUM_AT = 148;
const OCTAL = /^[0-7]{11}$/;

export interface TarFile {
  readonly name: string;
  readonly size: number;
}

/** The header of a file. Throws RangeError for a name, size or time that the layout has no room for. */
export function tarHeader(file: TarFile, modifiedAt: number): Uint8Array {
  const name = utf8ToBytes(file.name);
  if (name.length === 0 || name.length > LONGEST_NAME)
    throw new RangeError(`${name.length} bytes are no name`);
  const header = new Uint8Array(BLOCK);
  header.set(name);
  put(header, 100, '0000644');
  put(header, 108, '0000000');
  put(header, 116, '0000000');
  put(header, SIZE_AT, octal(file.size));
  put(header, 136, octal(modifiedAt));
  put(header, CHECKSUM_AT, '        ');
  put(header, 156, '0');
  const sum = header.reduce((total, byte) => total + byte, 0);
  put(header, CHECKSUM_AT, `${sum.toString(8).padStart(6, '0')}\0 `);
  return header;
}

/** How many zeros follow a body of this size. */
export function paddingOf(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}

/**
 * Reads a header of 512 bytes for an archive whose files all have the time `modifiedAt`; undefined while that is not known
 * yet. Refused is every header that `tarHeader` would not write.
 */
export function parseTarHeader(
  header: Uint8Array,
  modifiedAt: number | undefined,
): Result<TarFile, { readonly at: number; readonly message: string }> {
  const nameEnd = header.indexOf(0);
  const name = ascii(header.subarray(0, Math.max(nameEnd, 0)));
  if (name === '' || nameEnd > LONGEST_NAME || header.subarray(0, nameEnd).some((byte) => byte > 0x7f))
    return err({ at: 0, message: 'no name' });
  const sizeText = ascii(header.subarray(SIZE_AT, SIZE_AT + 11));
  if (!OCTAL.test(sizeText)) return err({ at: SIZE_AT, message: 'the size is not 11 octal digits' });
  const timeText = ascii(header.subarray(136, 147));
  if (!OCTAL.test(timeText)) return err({ at: 136, message: 'the time is not 11 octal digits' });
  const size = parseInt(sizeText, 8);
  const expected = tarHeader({ name, size }, modifiedAt ?? parseInt(timeText, 8));
  const at = expected.findIndex((byte, i) => byte !== header[i]);
  return at === -1 ? ok({ name, size }) : err({ at, message: headerFieldMessage(at) });
}

/** What begins where in a header, last first. */
const FIELDS: readonly (readonly [from: number, message: string])[] = [
  [157, 'something follows the type, which other kinds of tar have'],
  [156, 'the type is not that of a plain file'],
  [CHECKSUM_AT, 'the sum of the header is wrong'],
  [136, 'the time is not that in the file BELENIOS'],
  [SIZE_AT, 'the size is not 11 octal digits and NUL'],
  [116, 'the group is not 0'],
  [108, 'the user is not 0'],
  [100, 'the mode is not 0644'],
];

function headerFieldMessage(at: number): string {
  return FIELDS.find(([from]) => at >= from)?.[1] ?? 'something follows the name';
}

function put(header: Uint8Array, at: number, text: string): void {
  for (let i = 0; i < text.length; i++) header[at + i] = text.charCodeAt(i);
}

function octal(value: number): string {
  if (!Number.isInteger(value) || value < 0 || value > LARGEST_NUMBER) {
    throw new RangeError(`${value} does not fit 11 octal digits`);
  }
  return value.toString(8).padStart(11, '0');
}

/** Bytes above 127 become characters that no name and no number here has. */
function ascii(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}
