import { type Codec, kindOf } from './codec.ts';
import { quote } from './canonical-json.ts';

/** 2^30 - 1: the largest small integer (4.2). Weights and results above it are written as strings. */
export const LARGEST_JSON_NUMBER = 1_073_741_823;
const DECIMAL = /^(?:0|[1-9][0-9]{0,76})$/;

/** A number from canonical decimal digits; undefined for any other spelling. */
export function parseDecimal(digits: string): bigint | undefined {
  return DECIMAL.test(digits) ? BigInt(digits) : undefined;
}

/** A weight or a sum of weights: a JSON number, or a string where it is larger than 2^30 - 1. */
export const weight: Codec<bigint> = {
  read(value, at) {
    if (typeof value === 'string') {
      const number = parseDecimal(value);
      if (number === undefined) return at.fail('not a number in decimal digits');
      return at.mode === 'strict' && number <= LARGEST_JSON_NUMBER
        ? at.fail(`numbers up to ${LARGEST_JSON_NUMBER} are not written as strings`)
        : number;
    }
    if (typeof value !== 'bigint' && (typeof value !== 'number' || !Number.isSafeInteger(value))) {
      return at.fail(`${kindOf(value)}, expected an integer`);
    }
    if (value < 0) return at.fail('negative');
    return at.mode === 'strict' && value > LARGEST_JSON_NUMBER
      ? at.fail(`numbers above ${LARGEST_JSON_NUMBER} are written as strings`)
      : BigInt(value);
  },
  write: (value) => (value > LARGEST_JSON_NUMBER ? quote(value.toString()) : value.toString()),
};
