import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { argon2id } from '@noble/hashes/argon2.js';
import fc from 'fast-check';
import { base32 } from 'multiformats/bases/base32';
import { toHex, utf8ToBytes } from '#src/base/bytes.js';
import { PsephosError } from '#src/base/errors.js';
import {
  credentialSeed,
  DEFAULT_KDF,
  fingerprint,
  generateSecret,
  isAcceptableKdf,
  normaliseSecret,
  normaliseUsername,
  pseudonym,
} from '#src/crypto/credential.js';
import { isAcceptableKey, publicKeyOf } from '#src/crypto/signature.js';
import type { Kdf } from '#src/election/entries.js';

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const UUID = 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6';

const secretFrom = (bytes: Uint8Array): string => generateSecret(() => bytes);
const symbolsOf = (secret: string): string[] => Array.from(secret.replaceAll('-', ''));
const isWhole = (symbols: readonly string[]): boolean => normaliseSecret(symbols.join('')).ok;

function errorOf(result: { readonly ok: true } | { readonly ok: false; readonly error: string }): string {
  assert.ok(!result.ok, 'should have been refused');
  return result.error;
}

describe('secrets', () => {
  const secrets = fc.uint8Array({ minLength: 23, maxLength: 23 }).map(secretFrom);

  it('have six groups of four Crockford symbols, the last one computed', () => {
    assert.equal(secretFrom(new Uint8Array(23)), '0000-0000-0000-0000-0000-0000');
    assert.match(generateSecret(randomBytes), /^(?:[0-9A-HJKMNP-TV-Z]{4}-){5}[0-9A-HJKMNP-TV-Z]{4}$/);
    // 1 in the last random place is α, that is 2, in the check symbol's.
    const one = new Uint8Array(23);
    one[22] = 1;
    assert.equal(secretFrom(one), '0000-0000-0000-0000-0000-0012');
  });

  it('use each symbol equally often over the values of a byte', () => {
    const counts = new Map<string, number>();
    for (let byte = 0; byte < 256; byte++) {
      const first = secretFrom(new Uint8Array(23).fill(byte)).charAt(0);
      counts.set(first, (counts.get(first) ?? 0) + 1);
    }
    assert.deepEqual([...counts.keys()].sort().join(''), ALPHABET);
    assert.deepEqual(new Set(counts.values()), new Set([8]));
  });

  it('ask for 23 random bytes and refuse another number', () => {
    const asked: number[] = [];
    generateSecret((length) => {
      asked.push(length);
      return new Uint8Array(length);
    });
    assert.deepEqual(asked, [23]);
    assert.throws(() => secretFrom(new Uint8Array(22)), RangeError);
  });

  it('are read however they are typed', () => {
    const wild = fc.constantFrom('', '', '', '-', ' ', '\t', '–', '\u00a0', '\u00ad');
    fc.assert(
      fc.property(
        secrets,
        fc.array(wild, { minLength: 24, maxLength: 24 }),
        fc.nat(),
        (secret, gaps, choices) => {
          const typed = symbolsOf(secret).map((symbol, i) => {
            const lower = (choices >> (i % 30)) & 1 ? symbol.toLowerCase() : symbol;
            const alike = { '0': 'oO', '1': 'iIlL' }[symbol] ?? lower;
            return `${alike.charAt(choices % alike.length)}${gaps[i] ?? ''}`;
          });
          assert.deepEqual(normaliseSecret(typed.join('')), { ok: true, value: secret });
        },
      ),
    );
  });

  it('betray every single wrong symbol', () => {
    fc.assert(
      fc.property(secrets, (secret) => {
        const symbols = symbolsOf(secret);
        for (const [place, right] of symbols.entries()) {
          for (const wrong of ALPHABET) {
            assert.equal(isWhole(symbols.with(place, wrong)), wrong === right);
          }
        }
      }),
      { numRuns: 10 },
    );
  });

  it('betray every swap of two different symbols, neighbours or not', () => {
    fc.assert(
      fc.property(secrets, (secret) => {
        const symbols = symbolsOf(secret);
        for (let i = 0; i < 24; i++) {
          for (let j = i + 1; j < 24; j++) {
            const [left, right] = [symbols[i] as string, symbols[j] as string];
            assert.equal(isWhole(symbols.with(i, right).with(j, left)), left === right);
          }
        }
      }),
      { numRuns: 20 },
    );
  });

  it('say what is wrong when mistyped, without repeating them', () => {
    const secret = '0000-0000-0000-0000-0000-0012';
    assert.match(errorOf(normaliseSecret('')), /24 symbols.*has 0$/);
    assert.match(errorOf(normaliseSecret(secret.slice(1))), /24 symbols.*has 23$/);
    assert.match(errorOf(normaliseSecret(`${secret}0`)), /24 symbols.*has 25$/);
    assert.match(errorOf(normaliseSecret(`00U${secret}`)), /symbol 3 can't be "U"/);
    assert.match(errorOf(normaliseSecret(secret.replace('2', '3'))), /mistyped/);
    assert.match(errorOf(normaliseSecret(secret.replace('12', '21'))), /mistyped/);
    assert.match(errorOf(normaliseSecret('0'.repeat(1_000_000))), /far too long/);
  });

  it('are not read from letters that only look like theirs', () => {
    for (const strange of ['ı', 'ſ', 'Ο', '０', 'é', '💥', '\0']) {
      assert.match(errorOf(normaliseSecret(`${strange}${'0'.repeat(23)}`)), /symbol 1 can't be/);
    }
  });
});

describe('credentials', () => {
  const voter = {
    uuid: UUID,
    username: 'zoë',
    secret: secretFrom(new Uint8Array(23).fill(9)),
    kdf: DEFAULT_KDF,
  };
  const cheap = { ...voter, kdf: { name: 'argon2id', ops: 1, mem: 8 * 1024 * 1024 } as const };

  it('are Argon2id over the symbols, salted with election and username', () => {
    const salt = createHash('sha256')
      .update(`psephos/credential/v1\0${UUID}\0zoë`, 'utf8')
      .digest()
      .subarray(0, 16);
    const password = utf8ToBytes(voter.secret.replaceAll('-', ''));
    const expected = argon2id(password, salt, { t: 2, m: 19_456, p: 1, dkLen: 32 });
    assert.equal(toHex(credentialSeed(voter)), toHex(expected));
  });

  it('never change: a voter must reach the same key with any later version', () => {
    assert.equal(voter.secret, '9999-9999-9999-9999-9999-999Y');
    assert.equal(
      toHex(credentialSeed(voter)),
      '8af8121ffe88c2898a10b3b8ec877368dc9d3b071143024b8aaf3accac67fb26',
    );
    assert.equal(
      toHex(publicKeyOf(credentialSeed(voter))),
      '1f60f57a12d964b0119dec8795c5e151e7624bc34fc44fb3c6b3a36bc337bee2',
    );
  });

  it('give an acceptable key, and another one for each election, username, secret and cost', () => {
    const seeds = [
      cheap,
      { ...cheap, uuid: UUID.replace('f', 'e') },
      { ...cheap, username: 'zoe' },
      { ...cheap, secret: secretFrom(new Uint8Array(23).fill(8)) },
      { ...cheap, kdf: { ...cheap.kdf, ops: 2 } },
      { ...cheap, kdf: { ...cheap.kdf, mem: 9 * 1024 * 1024 } },
    ].map(credentialSeed);
    assert.equal(new Set(seeds.map(toHex)).size, seeds.length);
    for (const seed of seeds) assert.ok(isAcceptableKey(publicKeyOf(seed)));
  });

  it('do not depend on how username and secret are typed', () => {
    const typed = {
      ...cheap,
      username: '  zoe\u0308 ',
      secret: cheap.secret.toLowerCase().replaceAll('-', ' '),
    };
    assert.equal(toHex(credentialSeed(typed)), toHex(credentialSeed(cheap)));
  });

  it('refuse what is no username, no secret, or no reasonable cost, naming it', () => {
    const codeOf = (change: Partial<typeof cheap | { kdf: Kdf }>): string => {
      try {
        credentialSeed({ ...cheap, ...change });
      } catch (error) {
        assert.ok(error instanceof PsephosError);
        return error.code;
      }
      return 'none';
    };
    assert.equal(codeOf({ username: ' ' }), 'bad-username');
    assert.equal(codeOf({ secret: 'not a secret' }), 'bad-secret');
    assert.equal(codeOf({ kdf: { ...cheap.kdf, mem: 2 ** 40 } }), 'unacceptable-kdf');
    assert.equal(codeOf({}), 'none');
  });
});

describe('the Argon2id cost of an election', () => {
  const MIB = 1024 * 1024;
  const acceptable = (ops: number, mem: number): boolean => isAcceptableKdf({ name: 'argon2id', ops, mem });

  it('is by default one that every voter accepts, and fits the genesis entry', () => {
    const kdf: Kdf = DEFAULT_KDF;
    assert.ok(isAcceptableKdf(kdf));
  });

  it('has bounds on both sides', () => {
    assert.ok(acceptable(1, 8 * MIB) && acceptable(10, 256 * MIB));
    for (const ops of [0, 11, 1.5, -1, Number.NaN, Infinity]) assert.ok(!acceptable(ops, 19 * MIB), `${ops}`);
    for (const mem of [
      0,
      8 * MIB - 1024,
      256 * MIB + 1024,
      19 * MIB + 1,
      9 * MIB + 0.5,
      Number.NaN,
      Infinity,
    ]) {
      assert.ok(!acceptable(2, mem), `${mem}`);
    }
  });
});

describe('names made from hashes', () => {
  const key = new Uint8Array(32).fill(3);

  it('pseudonyms are 80 bits of the tagged hash of the key', () => {
    const digest = createHash('sha256').update('psephos/pseudonym/v1\0').update(key).digest();
    assert.equal(pseudonym(key), `v-${base32.baseEncode(digest.subarray(0, 10))}`);
    assert.match(pseudonym(key), /^v-[a-z2-7]{16}$/);
    assert.notEqual(pseudonym(key), pseudonym(new Uint8Array(32)));
  });

  it('fingerprints are 100 bits of the tagged hash of the election id, in five groups of four', () => {
    const id = 'bafyreigdmqpykrgxyaxtlafqpqhzrb7qy2rh75nldvfd4kok6gl37quzfe';
    const digest = createHash('sha256').update(`psephos/fingerprint/v1\0${id}`).digest();
    let bits = BigInt(`0x${digest.toString('hex')}`) >> 156n;
    let expected = '';
    for (let i = 0; i < 20; i++, bits >>= 5n) expected = ALPHABET.charAt(Number(bits & 31n)) + expected;
    assert.equal(fingerprint(id).replaceAll('-', ''), expected);
    assert.match(fingerprint(id), /^(?:[0-9A-Z]{4}-){4}[0-9A-Z]{4}$/);
  });
});

describe('usernames', () => {
  it('are NFC without white space at the ends', () => {
    assert.deepEqual(normaliseUsername('\ufeff  Zoe\u0308 de Vries\r\n'), {
      ok: true,
      value: 'Zo\u00eb de Vries',
    });
    assert.deepEqual(normaliseUsername('李雷'), { ok: true, value: '李雷' });
  });

  it('have one form: normalising again changes nothing', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
        const once = normaliseUsername(text);
        if (once.ok) assert.deepEqual(normaliseUsername(once.value), once);
      }),
      { numRuns: 500 },
    );
  });

  it('are not empty, and not longer than 256 bytes of UTF-8', () => {
    for (const empty of ['', '   ', '\u2003\n']) assert.match(errorOf(normaliseUsername(empty)), /empty/);
    assert.ok(normaliseUsername('a'.repeat(256)).ok);
    assert.ok(normaliseUsername('é'.repeat(128)).ok);
    assert.match(errorOf(normaliseUsername('a'.repeat(257))), /257 bytes/);
    assert.match(errorOf(normaliseUsername('é'.repeat(129))), /258 bytes/);
    assert.match(errorOf(normaliseUsername('a'.repeat(1_000_000))), /longer than 256/);
  });

  it('have no control characters, line separators, direction overrides or broken surrogates', () => {
    for (const bad of [
      '\0',
      '\t',
      '\x1b',
      '\x7f',
      '\u0085',
      '\u2028',
      '\u202e',
      '\u2066',
      '\ud800',
      '\udc00',
    ]) {
      assert.match(errorOf(normaliseUsername(`ab${bad}cd`)), /control character U\+[0-9A-F]{4}/);
    }
    assert.ok(normaliseUsername('👩‍🚀').ok, 'a whole surrogate pair, and a joiner');
  });
});
