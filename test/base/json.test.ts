import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { FRACTION, parseJson } from '#src/base/json.js';
import { errorOf, valueOf } from '../support/results.js';

const parse = (text: string) => parseJson(text, 50);
/** Objects with the usual prototype, for comparing. */
const plain = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_, each: unknown) => (each === FRACTION ? 'FRACTION' : each))) as unknown;

describe('the parser of texts that count as they stand', () => {
  it('understands what JSON.parse does, with or without spaces', () => {
    const value = fc.jsonValue({ noUnicodeString: false, maxDepth: 5 });
    const whole = (_key: string, each: unknown): unknown =>
      typeof each === 'number' ? Math.trunc(each) % 2 ** 53 || 0 : each;
    const wholes = value.map((each): unknown => JSON.parse(JSON.stringify(each), whole));
    fc.assert(
      fc.property(wholes, fc.constantFrom(undefined, 1, '\t', '\r\n'), (each: unknown, indent) => {
        const text = JSON.stringify(each, null, indent);
        assert.deepEqual(plain(valueOf(parse(text))), JSON.parse(text));
      }),
    );
  });

  it('takes no text that JSON.parse refuses', () => {
    const text = fc.string({
      unit: fc.constantFrom(...Array.from('{}[]",:0123eE+-.\\u tfalsern\n')),
      maxLength: 12,
    });
    fc.assert(
      fc.property(text, (each) => {
        if (parse(each).ok) JSON.parse(each);
      }),
      { numRuns: 20_000 },
    );
  });

  it('keeps integers exact and takes no other numbers for numbers', () => {
    assert.equal(valueOf(parse('9007199254740991')), 9007199254740991);
    assert.equal(valueOf(parse('9007199254740993')), 9007199254740993n);
    for (const text of ['1.0', '1e3', '-0', '0.5', '1E-2']) assert.equal(valueOf(parse(text)), FRACTION);
    for (const text of ['01', '+1', '1.', '.5', '0x1', '1'.repeat(101)]) assert.ok(!parse(text).ok, text);
  });

  it('refuses what has two meanings', () => {
    for (const [text, reason] of [
      ['{"a":1,"a":1}', /twice/],
      ['{"a":1,"\\u0061":2}', /twice/],
      ['{"x":{"a":1,"a":1}}', /twice/],
      ['"\\ud800"', /surrogate/],
      ['{"\\udc00":1}', /surrogate/],
      ['[1]/* */', /follows/],
      ['// \n1', /expected/],
      ['\ufeff1', /expected/],
      ['[1,]', /expected/],
      ["'a'", /expected/],
      ['"\\x"', /escape/],
      ['"\n"', /control character/],
      ['"abc', /inside a string/],
      ['"abc\\', /inside a string/],
      ['', /expected/],
      ['NaN', /expected/],
    ] as const) {
      assert.match(errorOf(parse(text)), reason, text);
    }
    assert.deepEqual(Object.keys(valueOf(parse('{"__proto__":1}')) as object), ['__proto__']);
  });

  it('goes only so deep', () => {
    assert.ok(parse('['.repeat(50) + ']'.repeat(50)).ok);
    assert.match(errorOf(parse('['.repeat(51) + ']'.repeat(51))), /more than 50 levels/);
    assert.match(errorOf(parse('{"a":'.repeat(1_000_000))), /more than 50 levels/);
  });

  it('reads long strings', () => {
    const long = 'é'.repeat(2_000_000);
    assert.equal(valueOf(parse(`"${long}"`)), long);
  });
});
