import { parseJson } from '../../../base/json.ts';
import { type Result, err, ok } from '../../../base/result.ts';
import { isCanonical } from './canonical-json.ts';
import { type Codec, Reading, type ReadingMode } from './codec.ts';
import type { DecodeLimits } from './limits.ts';
import { type DecodeProblem, Refused } from './problem.ts';

/** Reads the one canonical text of a value (4.1): `codec.write` of what is read is the text. */
export function decodeStrictly<T>(
  codec: Codec<T>,
  source: string,
  limits: DecodeLimits,
): Result<T, DecodeProblem> {
  return decode(source, limits, () => {
    const parsed = parseNative(source);
    // The codec goes first: it refuses values that are nested so deep that writing them would exhaust the stack.
    const value = codec.read(parsed, new Reading('strict', limits));
    if (!isCanonical(source, parsed)) {
      throw malformed(
        'not the canonical text: spaces, an escape, the spelling of a number, or a field twice',
      );
    }
    return value;
  });
}

/**
 * Reads a text that counts as it stands, whatever its layout: order of fields, spaces and escapes are free, fields that
 * aren't known here are passed over, numbers up to 2^30 may be written as strings where larger ones are. A field that is
 * there twice is refused, since readers disagree on which one counts.
 */
export function decodeAsItStands<T>(
  codec: Codec<T>,
  source: string,
  limits: DecodeLimits,
): Result<T, DecodeProblem> {
  return decode(source, limits, () => {
    const parsed = parseJson(source, limits.maxDepth);
    if (!parsed.ok) throw malformed(parsed.error);
    return codec.read(parsed.value, new Reading('as-it-stands', limits));
  });
}

/** Reads a text in one of the two ways. */
export function decodeIn<T>(
  mode: ReadingMode,
  codec: Codec<T>,
  source: string,
  limits: DecodeLimits,
): Result<T, DecodeProblem> {
  return mode === 'strict' ? decodeStrictly(codec, source, limits) : decodeAsItStands(codec, source, limits);
}

function decode<T>(source: string, limits: DecodeLimits, read: () => T): Result<T, DecodeProblem> {
  if (source.length > limits.maxLength) {
    return err(malformed(`${source.length} characters, more than the ${limits.maxLength} allowed`).problem);
  }
  try {
    return ok(read());
  } catch (error) {
    if (error instanceof Refused) return err(error.problem);
    throw error;
  }
}

function parseNative(source: string): unknown {
  try {
    return JSON.parse(source) as unknown;
  } catch (error) {
    // The parser's own message quotes the text, which may be a secret.
    if (error instanceof SyntaxError) throw malformed('not JSON');
    throw error;
  }
}

function malformed(message: string): Refused {
  return new Refused({ kind: 'malformed', path: '', message });
}
