import { hasLoneSurrogate } from '../../../base/json.ts';
import { quote } from './canonical-json.ts';
import type { DecodeLimits } from './limits.ts';
import { Refused } from './problem.ts';

/**
 * One form of JSON, described once for both directions. `read` takes what a JSON parser gave, checks it and says through
 * `at` what is wrong; `write` gives the compact text (specification, 4.1). For a strict reading, `write` of what was read
 * is the text again.
 */
export interface Codec<T> {
  read(value: unknown, at: Reading): T;
  write(value: T): string;
}

/** `strict`: the canonical text and nothing else. `as-it-stands`: in any layout, with fields that aren't known here. */
export type ReadingMode = 'strict' | 'as-it-stands';

/** Where a reader is, and by which rules. */
export class Reading {
  readonly mode: ReadingMode;
  readonly limits: DecodeLimits;
  readonly #path: (string | number)[] = [];

  constructor(mode: ReadingMode, limits: DecodeLimits) {
    this.mode = mode;
    this.limits = limits;
  }

  /** Reads a part; after a refusal the path stays where it happened. */
  part<T>(step: string | number, codec: Codec<T>, value: unknown): T {
    this.#path.push(step);
    const read = codec.read(value, this);
    this.#path.pop();
    return read;
  }

  fail(message: string, kind: 'malformed' | 'unsupported' = 'malformed'): never {
    const path = this.#path
      .map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`))
      .join('')
      .replace(/^\./, '');
    throw new Refused({ kind, path, message });
  }
}

/** What a value is, for a reason of refusal; never the value itself, which may be long or hostile. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  if (typeof value === 'bigint' || typeof value === 'symbol') return 'a number';
  return `a ${typeof value}`;
}

export const text: Codec<string> = {
  read(value, at) {
    if (typeof value !== 'string') return at.fail(`${kindOf(value)}, expected a string`);
    return hasLoneSurrogate(value) ? at.fail('half of a surrogate pair') : value;
  },
  write: quote,
};

export const flag: Codec<boolean> = {
  read: (value, at) => (typeof value === 'boolean' ? value : at.fail(`${kindOf(value)}, expected a boolean`)),
  write: String,
};

/** A small integer, encoded as a JSON number (4.2). */
export function integer(min: number, max: number): Codec<number> {
  return {
    read(value, at) {
      if (typeof value !== 'number' || !Number.isInteger(value)) {
        return at.fail(`${kindOf(value)}, expected an integer`);
      }
      return value >= min && value <= max ? value : at.fail(`${value} is not between ${min} and ${max}`);
    },
    write: String,
  };
}

/** A string that a rule holds for, which lets no half of a surrogate pair through; `what` ends "not ...". */
export function textLike(matches: (value: string) => boolean, what: string): Codec<string> {
  return {
    read(value, at) {
      if (typeof value !== 'string') return at.fail(`${kindOf(value)}, expected a string`);
      return matches(value) ? value : at.fail(`not ${what}`);
    },
    write: quote,
  };
}

export function list<T>(item: Codec<T>, minItems = 0): Codec<readonly T[]> {
  return {
    read(value, at) {
      if (!Array.isArray(value)) return at.fail(`${kindOf(value)}, expected a list`);
      if (value.length > at.limits.maxItems) {
        return at.fail(`${value.length} items, more than the ${at.limits.maxItems} allowed`);
      }
      if (value.length < minItems) return at.fail(`${value.length} items, expected ${minItems} or more`);
      const items: T[] = [];
      for (let i = 0; i < value.length; i++) items.push(at.part(i, item, value[i]));
      return items;
    },
    write: (value) => `[${value.map((each) => item.write(each)).join(',')}]`,
  };
}

/** A field that may be left out. */
interface Optional<T> {
  readonly optional: Codec<T>;
}

export function optional<T>(codec: Codec<T>): Optional<T> {
  return { optional: codec };
}

type Camel<S> = S extends `${infer Head}_${infer Tail}` ? `${Head}${Capitalize<Camel<Tail>>}` : S;
type Fields = Readonly<Record<string, Codec<unknown> | Optional<unknown>>>;

/** What `record` reads: the fields' names in camel case, those that may be left out as optional properties. */
export type RecordOf<F extends Fields> = {
  readonly [K in keyof F as F[K] extends Codec<unknown> ? Camel<K> : never]: F[K] extends Codec<infer T>
    ? T
    : never;
} & {
  readonly [K in keyof F as F[K] extends Optional<unknown> ? Camel<K> : never]?: F[K] extends Optional<
    infer T
  >
    ? T
    : never;
};

interface Field {
  readonly name: string;
  readonly property: string;
  readonly codec: Codec<unknown>;
  readonly optional: boolean;
}

/** An object with these fields in this order. */
export function record<F extends Fields>(fields: F): Codec<RecordOf<F>> {
  const known: readonly Field[] = Object.entries(fields).map(([name, field]) => ({
    name,
    property: name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()),
    codec: 'optional' in field ? field.optional : field,
    optional: 'optional' in field,
  }));
  return {
    read(value, at) {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) {
        return at.fail(`${kindOf(value)}, expected an object`);
      }
      const source = value as Readonly<Record<string, unknown>>;
      const found: Record<string, unknown> = {};
      const present: string[] = [];
      for (const field of known) {
        if (Object.hasOwn(source, field.name)) {
          found[field.property] = at.part(field.name, field.codec, source[field.name]);
          present.push(field.name);
        } else if (!field.optional) {
          return at.fail(`the field ${quote(field.name)} is missing`);
        }
      }
      if (at.mode === 'strict') refuseOtherKeys(Object.keys(source), present, at);
      return found as RecordOf<F>;
    },
    write(value) {
      const source = value as Readonly<Record<string, unknown>>;
      const parts: string[] = [];
      for (const { name, property, codec } of known) {
        const part = source[property];
        if (part !== undefined) parts.push(`"${name}":${codec.write(part)}`);
      }
      return `{${parts.join(',')}}`;
    },
  };
}

function refuseOtherKeys(keys: readonly string[], present: readonly string[], at: Reading): void {
  for (const [i, key] of keys.entries()) {
    if (key === present[i]) continue;
    at.fail(
      present.includes(key)
        ? `the field ${quote(key)} is not where the order of fields wants it`
        : // Not `quote`, which takes no text that is half a character.
          `unknown field ${JSON.stringify(key.slice(0, 40))}`,
    );
  }
}

/** The same JSON for another type. `to` may refuse. */
export function mapped<A, B>(
  codec: Codec<A>,
  to: (value: A, at: Reading) => B,
  from: (value: B) => A,
): Codec<B> {
  return {
    read: (value, at) => to(codec.read(value, at), at),
    write: (value) => codec.write(from(value)),
  };
}
