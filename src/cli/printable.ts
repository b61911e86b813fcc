const UNPRINTABLE = /[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/**
 * Text from elsewhere as a terminal may show it. Schemas have refused control characters and direction overrides long
 * before; this is the last line, at no cost.
 */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, '\ufffd');
}

/** A whole number with commas between its thousands. By hand: loading a language's rules takes 10 ms of a short program. */
export function thousands(number: number): string {
  return String(number).replace(/\B(?=(?:\d{3})+$)/g, ',');
}
