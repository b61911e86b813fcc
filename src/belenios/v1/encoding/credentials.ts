import { type Result, err } from '../../../base/result.ts';
import type { PublicCredential } from '../messages.ts';
import { type Codec, type ReadingMode, kindOf, list } from './codec.ts';
import { decodeIn } from './decode.ts';
import { parsePoint, pointText } from './elements.ts';
import { CREDENTIALS_LIMITS, type DecodeLimits } from './limits.ts';
import { parseDecimal } from './numbers.ts';
import type { DecodeProblem } from './problem.ts';

/** `publickey` or `publickey,weight` (4.8). As it stands, it may be followed by a comma and a name, which nothing needs. */
const credential: Codec<PublicCredential> = {
  read(value, at) {
    if (typeof value !== 'string') return at.fail(`${kindOf(value)}, expected a string`);
    const [keyText = '', weightText, ...name] = value.split(',', 3);
    const key = parsePoint(keyText);
    if (!key.ok) return at.fail(key.error);
    if (at.mode === 'strict' ? name.length > 0 : weightText === '') {
      return name.length > 0 && at.mode === 'strict'
        ? at.fail('a name after the weight')
        : { key: key.value };
    }
    if (weightText === undefined) return { key: key.value };
    const weight = parseDecimal(weightText);
    return weight === undefined
      ? at.fail('the weight is no number in decimal digits')
      : { key: key.value, weight };
  },
  write: ({ key, weight }) => `"${pointText(key)}${weight === undefined ? '' : `,${weight}`}"`,
};

const credentials = list(credential);

/** The text of a list of public credentials, in the given order; Belenios sorts them by their little-endian bytes. */
export function encodePublicCredentials(value: readonly PublicCredential[]): string {
  return credentials.write(value);
}

/** Reads such a list. A key that is there twice is refused (3.1, step 7), for two weights would be possible. */
export function decodePublicCredentials(
  source: string,
  mode: ReadingMode = 'strict',
  limits: DecodeLimits = CREDENTIALS_LIMITS,
): Result<readonly PublicCredential[], DecodeProblem> {
  const read = decodeIn(mode, credentials, source, limits);
  if (!read.ok) return read;
  const seen = new Set<string>();
  for (const [i, { key }] of read.value.entries()) {
    const name = pointText(key);
    if (seen.has(name)) {
      return err({ kind: 'malformed', path: `[${i}]`, message: 'this public credential is there twice' });
    }
    seen.add(name);
  }
  return read;
}
