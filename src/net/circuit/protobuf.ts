import { concatBytes } from '../../base/bytes.ts';
import { type Result, err, ok } from '../../base/result.ts';

/**
 * The part of the Protocol Buffers wire format that a relay's messages are made of: numbers as varints, and bytes. Fields of
 * other kinds are skipped, as the format asks for, so that a later version's messages can be read.
 */

export type FieldValue = number | Uint8Array;
export type Field = readonly [number: number, value: FieldValue];

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

/** Fields in the order given. Numbers are whole, and at most 2^53 − 1. */
export function encodeFields(fields: readonly Field[]): Uint8Array {
  return concatBytes(
    ...fields.map(([number, value]) =>
      typeof value === 'number'
        ? concatBytes(varint(number * 8 + VARINT), varint(value))
        : concatBytes(varint(number * 8 + BYTES), varint(value.length), value),
    ),
  );
}

/** The numbers and bytes in a message, in their order, numbers above 2^53 − 1 as that; an error says why it is none. */
export function decodeFields(bytes: Uint8Array): Result<Field[], string> {
  const fields: Field[] = [];
  let at = 0;
  const number = (): number | undefined => {
    const read = readVarint(bytes, at);
    if (read === undefined) return undefined;
    at = read.end;
    return read.value;
  };
  while (at < bytes.length) {
    const tag = number();
    if (tag === undefined) return err('a field has no readable number');
    const field = Math.floor(tag / 8);
    switch (tag % 8) {
      case VARINT: {
        const value = number();
        if (value === undefined) return err(`field ${field} is no readable number`);
        fields.push([field, value]);
        break;
      }
      case BYTES: {
        const length = number();
        if (length === undefined || length > bytes.length - at) return err(`field ${field} is cut short`);
        fields.push([field, bytes.slice(at, at + length)]);
        at += length;
        break;
      }
      case FIXED64:
        at += 8;
        break;
      case FIXED32:
        at += 4;
        break;
      default:
        return err(`field ${field} is of an unknown kind`);
    }
  }
  return at === bytes.length ? ok(fields) : err('the last field is cut short');
}

/** Of 7 bits each, the low ones first. */
function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) + 0x80);
  return Uint8Array.of(...bytes, rest);
}

/** Undefined where it ends early, or is longer than 64 bits can be. */
function readVarint(bytes: Uint8Array, from: number): { value: number; end: number } | undefined {
  let value = 0;
  for (let at = from, factor = 1; at < bytes.length; at++, factor *= 0x80) {
    const byte = bytes[at] as number;
    value = Math.min(value + (byte % 0x80) * factor, Number.MAX_SAFE_INTEGER);
    if (byte < 0x80) return { value, end: at + 1 };
    if (at - from === 9) return undefined;
  }
  return undefined;
}
