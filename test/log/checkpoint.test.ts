import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { concatBytes, fromBase64, fromHex, toBase64 } from '#src/base/bytes.js';
import {
  formatCheckpointBody,
  openCheckpoint,
  origin,
  parseCheckpoint,
  parseDecimal,
  signCheckpoint,
  verifierKey,
} from '#src/log/checkpoint.js';
import { parseNote, signNote, verifyNote } from '#src/log/note.js';
import { readVectors } from '../support/repository.js';
import { errorOf, valueOf } from '../support/results.js';
import { testKey } from '../support/test-keys.js';

const hex = (text: string): Uint8Array => fromHex(text) as Uint8Array;
const key = testKey(1);
const stranger = testKey(2);
const name = origin('bafyreigh2akiscaildc');
const head = { origin: name, size: 20_852_163, root: new Uint8Array(32).fill(9) };
const text = signCheckpoint(head, key.seed, key.publicKey);
const log = { origin: name, publicKey: key.publicKey };
const body = formatCheckpointBody(head);

const signatureLine = (text: string): string => text.slice(text.lastIndexOf('\n\n') + 2);
/** A signature line of a key that signs the checkpoint's body under some name. */
const lineOf = (signer: string, by = stranger): string =>
  signatureLine(signNote(body, { name: signer, publicKey: by.publicKey }, by.seed));

describe('signed notes', () => {
  const vector = readVectors('signed-note/peter-neumann.json') as Record<
    'name' | 'seed' | 'publicKey' | 'verifierKey' | 'body' | 'signed' | 'cosigned' | 'sumGolangOrg',
    string
  >;
  const author = { name: vector.name, publicKey: hex(vector.publicKey) };

  it('are those of the Go implementation, byte for byte', () => {
    assert.equal(signNote(vector.body, author, hex(vector.seed)), vector.signed);
    assert.equal(verifierKey(author.name, author.publicKey), vector.verifierKey);
    const [server = '', , encoded = ''] = vector.sumGolangOrg
      .split('+', 2)
      .concat(vector.sumGolangOrg.slice(24));
    assert.equal(verifierKey(server, (fromBase64(encoded) as Uint8Array).subarray(1)), vector.sumGolangOrg);
  });

  it('verify with other people’s signatures beside ours', () => {
    for (const signed of [vector.signed, vector.cosigned]) {
      const note = valueOf(parseNote(signed));
      assert.equal(note.body, vector.body);
      assert.ok(verifyNote(note, author).ok);
    }
  });

  it('keep empty lines in the text: the last one separates', () => {
    const note = valueOf(parseNote(signNote('one\n\n\ntwo\n', author, hex(vector.seed))));
    assert.equal(note.body, 'one\n\n\ntwo\n');
    assert.ok(verifyNote(note, author).ok);
  });

  it('are not made with a name that cannot name a key, or of an unfinished line', () => {
    for (const bad of ['', 'a b', 'a+b', 'a\nb', 'a\u00a0b', 'a\u2028b', 'a\u0000b', 'a\ud800']) {
      assert.throws(() => signNote('text\n', { name: bad, publicKey: key.publicKey }, key.seed), RangeError);
    }
    assert.throws(() => signNote('text', author, key.seed), RangeError);
  });
});

describe('a checkpoint', () => {
  it('is three lines and a signature', () => {
    assert.equal(body, `psephos/bafyreigh2akiscaildc\n20852163\n${toBase64(head.root)}\n`);
    assert.ok(text.startsWith(`${body}\n— psephos/bafyreigh2akiscaildc `));
    assert.ok(text.endsWith('=\n'));
  });

  it('opens with the key that signed it', () => {
    assert.deepEqual(openCheckpoint(text, log), { ok: true, value: { ...head, text } });
    assert.deepEqual(parseCheckpoint(text), { ok: true, value: { ...head, text } });
  });

  it('is read back as it was written, whatever it says', () => {
    const heads = fc.record({
      origin: fc.stringMatching(/^[a-z0-9./-]{1,60}$/).map(origin),
      size: fc.maxSafeNat(),
      root: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    });
    fc.assert(
      fc.property(heads, (any) => {
        const signed = signCheckpoint(any, key.seed, key.publicKey);
        const opened = openCheckpoint(signed, { origin: any.origin, publicKey: key.publicKey });
        assert.deepEqual(opened, { ok: true, value: { ...any, text: signed } });
      }),
      { numRuns: 30 },
    );
  });

  it('is not opened after any change of a character', () => {
    fc.assert(
      fc.property(
        fc.nat(text.length - 1),
        fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
        (at, char) => {
          const changed = text.slice(0, at) + char + text.slice(at + 1);
          assert.equal(openCheckpoint(changed, log).ok, changed === text);
        },
      ),
      { numRuns: 300 },
    );
    for (let at = 0; at < text.length; at++) {
      assert.equal(openCheckpoint(text.slice(0, at), log).ok, false);
      assert.equal(openCheckpoint(text.slice(0, at) + text.slice(at + 1), log).ok, false);
    }
  });

  it('is not formatted for what no tree has', () => {
    assert.throws(() => formatCheckpointBody({ ...head, origin: 'two words' }), RangeError);
    assert.throws(() => formatCheckpointBody({ ...head, origin: '' }), RangeError);
    assert.throws(() => formatCheckpointBody({ ...head, root: new Uint8Array(31) }), RangeError);
    for (const size of [-1, 1.5, NaN, 2 ** 53]) {
      assert.throws(() => formatCheckpointBody({ ...head, size }), RangeError);
    }
  });
});

describe('parsing a checkpoint', () => {
  const signature = signatureLine(text);
  const [originLine, sizeLine, rootLine] = body.split('\n') as [string, string, string];
  const withBody = (...lines: string[]): string => `${lines.join('\n')}\n\n${signature}`;

  it('takes the untouched parts', () => {
    assert.ok(parseCheckpoint(withBody(originLine, sizeLine, rootLine)).ok);
    assert.ok(parseCheckpoint(withBody(originLine, '0', rootLine)).ok);
    assert.ok(parseCheckpoint(withBody(originLine, String(Number.MAX_SAFE_INTEGER), rootLine)).ok);
  });

  it('refuses missing, empty and extension lines', () => {
    const bodies = [
      [],
      [originLine],
      [originLine, sizeLine],
      [originLine, sizeLine, rootLine, 'extension'],
      [originLine, sizeLine, rootLine, ''],
      ['', originLine, sizeLine, rootLine],
      [originLine, '', sizeLine, rootLine],
    ];
    for (const lines of bodies) assert.match(errorOf(parseCheckpoint(withBody(...lines))), /three lines/);
    assert.match(errorOf(parseCheckpoint(withBody('', sizeLine, rootLine))), /origin line/);
    assert.match(errorOf(parseCheckpoint(withBody('a b', sizeLine, rootLine))), /origin line/);
  });

  it('refuses every other spelling of a size', () => {
    const sizes = [
      '',
      '01',
      '+1',
      '-1',
      '-0',
      '1.0',
      '1e3',
      '0x10',
      ' 1',
      '1 ',
      '٣',
      '9007199254740992',
      '9'.repeat(40),
    ];
    for (const size of sizes) {
      assert.equal(parseDecimal(size), undefined);
      assert.match(errorOf(parseCheckpoint(withBody(originLine, size, rootLine))), /size line/);
    }
  });

  it('refuses every other spelling of a root', () => {
    const stray = `${rootLine.slice(0, -2)}l=`;
    assert.notEqual(stray, rootLine);
    for (const root of [
      '',
      rootLine.slice(0, -1),
      `${rootLine}=`,
      stray,
      ` ${rootLine}`,
      'AAAA',
      rootLine + rootLine,
    ]) {
      assert.match(errorOf(parseCheckpoint(withBody(originLine, sizeLine, root))), /root line/);
    }
  });

  it('refuses malformed signature lines', () => {
    const encoded = signature.slice(signature.lastIndexOf(' ') + 1, -1);
    const lines = [
      '',
      `-- ${name} ${encoded}`,
      `—${name} ${encoded}`,
      `— ${encoded}`,
      `—  ${encoded}`,
      `— ${name}`,
      `— ${name} `,
      `— ${name}  ${encoded}`,
      `— ${name} ${encoded} `,
      `— ${name} ${encoded} more`,
      `— a+b ${encoded}`,
      `— a\u2003b ${encoded}`,
      `— ${name} ${encoded.slice(0, -1)}`,
      `— ${name} ${toBase64(Uint8Array.of(1, 2, 3, 4))}`,
      signature,
    ];
    for (const line of lines)
      assert.match(errorOf(parseCheckpoint(`${body}\n${line}\n`)), /signature|cut off|three lines/);
    assert.match(errorOf(parseCheckpoint(body)), /cut off/);
    assert.match(errorOf(parseCheckpoint(`${body}\n`)), /signature line/);
    assert.match(errorOf(parseCheckpoint(text.slice(0, -1))), /cut off/);
    assert.match(errorOf(parseCheckpoint(`${text}\n`)), /signature line/);
    assert.match(errorOf(parseCheckpoint('')), /cut off/);
  });

  it('refuses control characters, CRLF and text that is no Unicode', () => {
    for (const bad of ['\r', '\t', '\0', '\x1b', '\x7f', '\ud800']) {
      assert.match(errorOf(parseCheckpoint(text.replace('\n', `${bad}\n`))), /control character/);
    }
    assert.match(errorOf(parseCheckpoint(text.replaceAll('\n', '\r\n'))), /control character/);
  });

  it('bounds the length and the number of signatures', () => {
    const short = '— w AAAAAAA=\n';
    assert.ok(parseCheckpoint(text + short.repeat(63)).ok);
    assert.match(errorOf(parseCheckpoint(text + short.repeat(64))), /more than 64 signatures/);
    assert.match(errorOf(parseCheckpoint(text + lineOf('w'.repeat(17_000)))), /longer than 16384 bytes/);
    assert.match(errorOf(parseCheckpoint(text + lineOf('€'.repeat(6_000)))), /longer than 16384 bytes/);
    assert.match(errorOf(parseCheckpoint('\n'.repeat(5_000_000))), /longer/);
  });
});

describe('opening a checkpoint', () => {
  const notSigned = /not signed by the expected key/;
  const notValid = /not valid/;
  const bare = `${body}\n`;
  const ownLine = signatureLine(text);
  /** The own line with a changed byte after base64 decoding; the first four are the key id. */
  const altered = (at: number): string => {
    const [prefix, signer, encoded] = ownLine.trimEnd().split(' ') as [string, string, string];
    const bytes = fromBase64(encoded) as Uint8Array;
    bytes[at] = (bytes[at] as number) ^ 1;
    return `${prefix} ${signer} ${toBase64(bytes)}\n`;
  };

  it('ignores signatures of unknown keys, before and after', () => {
    for (const other of [lineOf('witness.example'), lineOf(name), '— w AAAAAAA=\n', altered(0)]) {
      assert.ok(openCheckpoint(bare + other + ownLine, log).ok);
      assert.ok(openCheckpoint(bare + ownLine + other, log).ok);
      assert.match(errorOf(openCheckpoint(bare + other, log)), notSigned);
    }
  });

  it('ignores a line with our key id under another name', () => {
    const renamed = ownLine.replace(name, 'other');
    assert.ok(openCheckpoint(bare + ownLine + renamed, log).ok);
    assert.match(errorOf(openCheckpoint(bare + renamed, log)), notSigned);
  });

  it('rejects the whole note for one bad signature of the known key', () => {
    for (const at of [4, 35, 36, 67]) {
      assert.match(errorOf(openCheckpoint(bare + altered(at), log)), notValid);
      assert.match(errorOf(openCheckpoint(bare + altered(at) + ownLine, log)), notValid);
      assert.match(errorOf(openCheckpoint(bare + ownLine + altered(at), log)), notValid);
    }
  });

  it('rejects a signature of another length', () => {
    const encoded = ownLine.trimEnd().split(' ')[2] ?? '';
    const bytes = fromBase64(encoded) as Uint8Array;
    for (const other of [bytes.subarray(0, -1), bytes.subarray(0, 5), concatBytes(bytes, Uint8Array.of(0))]) {
      assert.match(errorOf(openCheckpoint(`${bare}— ${name} ${toBase64(other)}\n`, log)), notValid);
    }
  });

  it('takes the same valid signature twice', () => {
    assert.ok(openCheckpoint(bare + ownLine + ownLine, log).ok);
  });

  it('refuses another origin, another key, and a body signed elsewhere', () => {
    const elsewhere = { origin: origin('other'), publicKey: key.publicKey };
    assert.match(errorOf(openCheckpoint(text, elsewhere)), /not of the log psephos\/other/);
    assert.match(errorOf(openCheckpoint(text, { ...log, publicKey: stranger.publicKey })), notSigned);
    const smaller = formatCheckpointBody({ ...head, size: head.size - 1 });
    assert.match(errorOf(openCheckpoint(`${smaller}\n${ownLine}`, log)), notValid);
  });
});
