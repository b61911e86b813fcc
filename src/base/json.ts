/**
 * A parser of JSON (RFC 8259) for texts that count as they stand: any layout, but one meaning. What two readers may
 * understand differently is refused: a field twice, half of a surrogate pair, comments. Integers are exact, as `number`
 * up to 2^53 and `bigint` beyond; every other number is `FRACTION`, which no codec takes.
 */
import { type Result, err, ok } from './result.ts';

export const FRACTION = Symbol('a number with a fraction or an exponent');

const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
const SPACE = /[ \t\n\r]*/y;
const LONE_SURROGATE = /\p{Surrogate}/u;
const MAX_DIGITS = 100;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Whether it has half of a surrogate pair, which JSON's escapes can say and UTF-8 has no bytes for. */
export function hasLoneSurrogate(value: string): boolean {
  return LONE_SURROGATE.test(value);
}

class NotJson extends Error {}

/**
 * Reads a JSON text of at most `maxDepth` objects and lists inside each other, and of at most `maxValues` values in all: each costs more
 * than its text. The error says where it is none.
 */
export function parseJson(text: string, maxDepth: number, maxValues = Infinity): Result<unknown, string> {
  try {
    return ok(new Parser(text, maxDepth, maxValues).document());
  } catch (error) {
    if (error instanceof NotJson) return err(error.message);
    throw error;
  }
}

class Parser {
  readonly #text: string;
  readonly #maxDepth: number;
  readonly #maxValues: number;
  #at = 0;
  #depth = 0;
  #values = 0;

  constructor(text: string, maxDepth: number, maxValues: number) {
    this.#text = text;
    this.#maxDepth = maxDepth;
    this.#maxValues = maxValues;
  }

  document(): unknown {
    const value = this.#value();
    if (this.#at < this.#text.length) this.#fail('something follows the JSON value');
    return value;
  }

  /** A value with the spaces around it. */
  #value(): unknown {
    if (++this.#values > this.#maxValues) this.#fail(`more than ${this.#maxValues} values`);
    this.#match(SPACE);
    const value = this.#bare();
    this.#match(SPACE);
    return value;
  }

  #bare(): unknown {
    switch (this.#text.charAt(this.#at)) {
      case '{':
        return this.#nested(() => this.#object());
      case '[':
        return this.#nested(() => this.#list());
      case '"':
        return this.#string();
      case 't':
        return this.#word('true', true);
      case 'f':
        return this.#word('false', false);
      case 'n':
        return this.#word('null', null);
      default:
        return this.#number();
    }
  }

  #nested<T>(read: () => T): T {
    if (++this.#depth > this.#maxDepth) this.#fail(`more than ${this.#maxDepth} levels inside each other`);
    this.#at++;
    const value = read();
    this.#depth--;
    return value;
  }

  #object(): unknown {
    const object = Object.create(null) as Record<string, unknown>;
    this.#match(SPACE);
    if (this.#skip('}')) return object;
    do {
      this.#match(SPACE);
      const key = this.#string();
      if (Object.hasOwn(object, key)) this.#fail('a field is there twice');
      this.#match(SPACE);
      if (!this.#skip(':')) this.#fail('":" expected');
      object[key] = this.#value();
    } while (this.#skip(','));
    if (!this.#skip('}')) this.#fail('"," or "}" expected');
    return object;
  }

  #list(): unknown {
    const list: unknown[] = [];
    this.#match(SPACE);
    if (this.#skip(']')) return list;
    do list.push(this.#value());
    while (this.#skip(','));
    if (!this.#skip(']')) this.#fail('"," or "]" expected');
    return list;
  }

  #string(): string {
    const source = this.#scanString();
    const value = unescape(source);
    if (value === undefined) return this.#fail('an escape that JSON does not have');
    if (hasLoneSurrogate(value)) this.#fail('half of a surrogate pair');
    return value;
  }

  #scanString(): string {
    const start = this.#at;
    if (this.#text[start] !== '"') this.#fail('a string expected');
    let at = start + 1;
    for (;;) {
      const code = this.#text.charCodeAt(at);
      if (code === QUOTE) break;
      if (Number.isNaN(code)) this.#fail('the text ends inside a string');
      if (code < 0x20) this.#fail('a control character inside a string');
      at += code === BACKSLASH ? 2 : 1;
    }
    this.#at = at + 1;
    return this.#text.slice(start, this.#at);
  }

  #number(): unknown {
    const matched = this.#match(NUMBER);
    if (matched === undefined || matched[0] === '') return this.#fail('a JSON value expected');
    const [digits, fraction, exponent] = matched;
    if (digits.length > MAX_DIGITS) this.#fail('a number is too long');
    if (fraction !== undefined || exponent !== undefined || digits === '-0') return FRACTION;
    const value = Number(digits);
    return Number.isSafeInteger(value) ? value : BigInt(digits);
  }

  #word<T>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) this.#fail('a JSON value expected');
    this.#at += word.length;
    return value;
  }

  #match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const matched = pattern.exec(this.#text);
    if (matched === null) return undefined;
    this.#at = pattern.lastIndex;
    return matched;
  }

  #skip(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #fail(message: string): never {
    throw new NotJson(`not JSON: ${message} (character ${this.#at})`);
  }
}

function unescape(quoted: string): string | undefined {
  if (!quoted.includes('\\')) return quoted.slice(1, -1);
  try {
    return JSON.parse(quoted) as string;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
