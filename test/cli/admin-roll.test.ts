import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { stringify } from 'csv-stringify/sync';
import { toHex } from '#src/base/bytes.js';
import { PsephosError } from '#src/base/errors.js';
import { parseRoll } from '#src/cli/credentials/roll-file.js';
import { decodeText } from '#src/cli/text-file.js';
import { publicKeyOf } from '#src/crypto/signature.js';
import { testSeed } from '../support/temp-election.ts';

const KEY = toHex(publicKeyOf(testSeed(1)));
const OTHER_KEY = toHex(publicKeyOf(testSeed(2)));

function refusal(text: string): string {
  try {
    parseRoll(text, 'voters.csv');
  } catch (error) {
    assert.ok(error instanceof PsephosError);
    assert.equal(error.code, 'bad-roll');
    assert.equal(error.kind, 'usage');
    return error.message;
  }
  return assert.fail('the list was accepted');
}

const usernames = (text: string) => parseRoll(text, 'voters.csv').map(({ username }) => username);

describe('a list of voters', () => {
  it('may be one username a line, with any line ends, blank lines and white space', () => {
    assert.deepEqual(usernames('ana\nbo\n'), ['ana', 'bo']);
    assert.deepEqual(usernames('ana\r\n\r\n  bo \r\ncy'), ['ana', 'bo', 'cy']);
    assert.deepEqual(usernames('ana\rbo\r'), ['ana', 'bo']);
    assert.deepEqual(usernames('Anna Müller\n佐藤\nО’Нил\n'), ['Anna Müller', '佐藤', 'О’Нил']);
  });

  it('gets a weight of 1 and no key where it says nothing of them', () => {
    assert.deepEqual(parseRoll('ana', 'v'), [
      { username: 'ana', name: '', email: '', weight: 1, publicKey: null },
    ]);
  });

  it('may be CSV, with a header in any order and case', () => {
    const text = `Weight,USERNAME,name,email,publickey\n3,ana,Ana A.,ana@example.org,${KEY.toUpperCase()}\n,bo,,,\n`;
    assert.deepEqual(parseRoll(text, 'v'), [
      {
        username: 'ana',
        name: 'Ana A.',
        email: 'ana@example.org',
        weight: 3,
        publicKey: publicKeyOf(testSeed(1)),
      },
      { username: 'bo', name: '', email: '', weight: 1, publicKey: null },
    ]);
  });

  it('may be CSV of one column', () => {
    assert.deepEqual(usernames('username\nana\n'), ['ana']);
  });

  it('may be separated by semicolons or tabs, as spreadsheets do in some countries', () => {
    assert.deepEqual(usernames('username;name\nana;"A; B"\n'), ['ana']);
    assert.deepEqual(usernames('username\tname\nana\tA, B\n'), ['ana']);
  });

  it('may have quoted fields with separators, quotes and CRLF', () => {
    const [voter] = parseRoll('username,name\r\n"ana","Ana ""the first"", of many"\r\n', 'v');
    assert.equal(voter?.name, 'Ana "the first", of many');
  });

  it('may begin with a byte order mark', () => {
    const bytes = Buffer.from('\ufeffusername,name\r\nana,Ána\r\n');
    assert.deepEqual(usernames(decodeText(bytes, 'v')), ['ana']);
    assert.deepEqual(usernames(decodeText(Buffer.from('\ufeffana\n'), 'v')), ['ana']);
  });

  it('has its usernames in Unicode NFC', () => {
    assert.deepEqual(usernames('Zoe\u0308\n'), ['Zo\u00eb']);
  });

  it('is refused with both lines where a username is there twice, in any normal form', () => {
    assert.match(refusal('Zo\u00eb\nbo\nZoe\u0308\n'), /Lines 1 and 3: the username "Zoë" is there twice/);
    assert.match(refusal('username,name\nana,A\nana,B\n'), /Lines 2 and 3: the username "ana"/);
  });

  it('is refused with both lines where two voters have one key', () => {
    assert.match(
      refusal(`username,publicKey\nana,${KEY}\nbo,${OTHER_KEY}\ncy,${KEY}\n`),
      /Lines 2 and 4: two voters have the same public key/,
    );
  });

  it('is refused when it is empty, or only a header', () => {
    assert.match(refusal(''), /holds no voter/);
    assert.match(refusal(' \n\r\n'), /holds no voter/);
    assert.match(refusal('username,email\n'), /only a header/);
  });

  const badRows: Readonly<Record<string, readonly [text: string, message: RegExp]>> = {
    'a weight of zero': ['username,weight\nana,0\n', /Line 2: the weight "0"/],
    'a negative weight': ['username,weight\nana,-1\n', /Line 2: the weight "-1"/],
    'a fractional weight': ['username,weight\nana,1.5\n', /Line 2: the weight "1.5"/],
    'a weight above the limit': ['username,weight\nana,1000001\n', /whole number from 1 to 1000000/],
    'a weight that is a word': ['username,weight\nana,two\n', /Line 2: the weight "two"/],
    'a key that is not hex': [
      `username,publicKey\nana,xyz\n`,
      /Line 2: the public key is not 64 hexadecimal digits/,
    ],
    'a key that is too short': [
      `username,publicKey\nana,${KEY.slice(2)}\n`,
      /Line 2: the public key is not 64/,
    ],
    'a key of small order': [
      `username,publicKey\nana,01${'00'.repeat(31)}\n`,
      /Line 2: the public key is not an acceptable/,
    ],
    'a key that is not canonical': [
      `username,publicKey\nana,${'ff'.repeat(32)}\n`,
      /Line 2: the public key is not an acceptable/,
    ],
    'an empty username': ['username,name\n,Ana\n', /Line 2: the username can't be used: it is empty/],
    'a username with a control character': ['username,name\na\u0007na,Ana\n', /Line 2: .*U\+0007/],
    'a username that turns the text around': ['ana\n\u202ebo\n', /Line 2: .*U\+202E/],
    'a username that is too long': [`ana\n${'x'.repeat(257)}\n`, /Line 2: .*256/],
    'a name with a line break': [
      'username,name\nana,"Ana\nB"\n',
      /the name contains a control character or a line break/,
    ],
    'too many columns': [
      'username,name\nana,Ana,ana@example.org\n',
      /Line 2: 3 columns, where the header has 2/,
    ],
    'too few columns': ['username,name\nana\n', /Line 2: 1 columns, where the header has 2/],
    'a quote that is never closed': ['username,name\nana,"Ana\n', /not well-formed CSV: .*line/],
    'a quote in the middle': ['username,name\nana,An"a\n', /not well-formed CSV/],
    'an unknown column': [
      'username,phone\nana,1\n',
      /Line 1: there is no column "phone"; possible are username, name, email, weight, publicKey/,
    ],
    'a column that is there twice': [
      'username,name,Name\nana,1,2\n',
      /Line 1: the column "name" is there twice/,
    ],
    'columns without a header': [
      'ana,Ana\nbo,Bo\n',
      /Line 1: "ana,Ana" looks like several columns; CSV begins with a header/,
    ],
  };
  for (const [what, [text, message]] of Object.entries(badRows)) {
    it(`is refused with the line for ${what}`, () => {
      assert.match(refusal(text), message);
    });
  }

  it('is refused with every fault at once, twenty at most', () => {
    const found = refusal(`username,weight\n${'x,0\n'.repeat(30)}`);
    assert.equal(found.split('\n').filter((line) => line.includes('the weight')).length, 20);
    assert.match(found, /… and 10 more/);
  });

  it('comes back as it was written, whatever a spreadsheet quotes', () => {
    const text = fc
      .string({ unit: 'grapheme', maxLength: 20 })
      .map((value) => value.replace(/[\p{C}\p{Z}]/gu, '').normalize('NFC'));
    const voter = fc.record({
      username: fc.integer().map((n) => `u${n}`),
      name: text,
      email: text,
      weight: fc.integer({ min: 1, max: 1_000_000 }),
    });
    const quoted = fc.boolean();
    const ends = fc.constantFrom('\n', '\r\n');
    fc.assert(
      fc.property(
        fc.uniqueArray(voter, { selector: (v) => v.username, minLength: 1 }),
        quoted,
        ends,
        (voters, quote, end) => {
          const rows = voters.map((v) => [v.username, v.name, v.email, v.weight]);
          const csv = stringify([['username', 'name', 'email', 'weight'], ...rows], {
            quoted: quote,
            record_delimiter: end,
          });
          const read = parseRoll(csv, 'v').map(({ username, name, email, weight }) => ({
            username,
            name,
            email,
            weight,
          }));
          assert.deepEqual(
            read,
            voters.map((one) => ({ ...one })),
          );
        },
      ),
    );
  });

  it('is either read or refused in words, whatever the text', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string({ unit: 'binary' }),
          fc.string().map((s) => `username,name\n${s}`),
        ),
        (text) => {
          try {
            assert.ok(parseRoll(text, 'v').length > 0);
          } catch (error) {
            assert.ok(error instanceof PsephosError, String(error));
          }
        },
      ),
    );
  });
});

describe('a text file', () => {
  it('is refused with the line that is not UTF-8', () => {
    const latin1 = Buffer.concat([
      Buffer.from('ana\r\nbo\r\n'),
      Buffer.from('Zo\u00eb', 'latin1'),
      Buffer.from('\r\ncy'),
    ]);
    assert.throws(() => decodeText(latin1, 'voters.txt'), /voters\.txt has a line that is not UTF-8, line 3/);
  });

  it('is refused when it is UTF-16', () => {
    assert.throws(() => decodeText(Buffer.from('\ufeffana\n', 'utf16le'), 'v'), /UTF-16/);
  });
});
