const UNPRINTABLE = /[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/**
 * Text from elsewhere as a terminal may show it. Schemas have refused control characters and direction overrides long
 * before; this is the last line, at no cost.
 */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, '\ufffd');
}
