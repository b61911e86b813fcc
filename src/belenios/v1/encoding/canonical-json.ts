import { hasLoneSurrogate } from '../../../base/json.ts';

/**
 * The one compact JSON text of a value (specification, 4.1), as Belenios writes it: non-ASCII characters as they are;
 * escaped are only `"`, `\`, the control characters (`\n \r \t \b \f` or `\u00xx` in small letters) and U+007F.
 */

const DELETE = '\x7f';

/** The text of a string. Throws RangeError for half of a surrogate pair, which UTF-8 has no bytes for. */
export function quote(value: string): string {
  if (hasLoneSurrogate(value)) throw new RangeError('a text with half of a surrogate pair has no UTF-8 form');
  const quoted = JSON.stringify(value);
  return value.includes(DELETE) ? quoted.replaceAll(DELETE, '\\u007f') : quoted;
}

/**
 * Whether `source` is the one text of `value`, which `JSON.parse` made of it: no spaces, no other escapes, no other
 * spelling of a number, no field twice. The order of fields is not looked at.
 */
export function isCanonical(source: string, value: unknown): boolean {
  const compact = JSON.stringify(value);
  return (compact.includes(DELETE) ? compact.replaceAll(DELETE, '\\u007f') : compact) === source;
}
