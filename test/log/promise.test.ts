import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { fromBase64, toBase64 } from '#src/base/bytes.js';
import { openCheckpoint, origin, parseCheckpoint, signCheckpoint } from '#src/log/checkpoint.js';
import { signNote } from '#src/log/note.js';
import { openPromise, signPromise } from '#src/log/promise.js';
import { errorOf, valueOf } from '../support/results.js';
import { testKey } from '../support/test-keys.js';

const { seed, publicKey } = testKey(1);
const stranger = testKey(2);
const name = origin('bafyreigh2akiscaildc');
const log = { origin: name, publicKey };
const ballotHash = new Uint8Array(32).fill(7);
const by = 1_750_000_000_000;
const text = signPromise({ ballotHash, by }, log, seed);
const YEAR_9999 = 253_402_300_799_999;

/** The lines of a promise, signed by the log's key under its name, whatever they say. */
const signed = (...lines: string[]): string =>
  signNote(lines.map((line) => `${line}\n`).join(''), { name, publicKey }, seed);
const LINES = ['psephos/promise/v1', name, toBase64(ballotHash), String(by)] as const;
const [first, second, third, fourth] = LINES;

describe('a promise', () => {
  it('is four lines and a signature under the name of the log', () => {
    const [body = '', signature = ''] = text.split('\n\n');
    assert.equal(body, LINES.join('\n'));
    assert.ok(signature.startsWith(`— ${name} `));
    assert.equal(text, signed(...LINES));
  });

  it('is read back as it was signed, whatever it says', () => {
    const parts = fc.record({
      id: fc.stringMatching(/^[a-z0-9]{1,60}$/),
      ballotHash: fc.uint8Array({ minLength: 32, maxLength: 32 }),
      by: fc.nat({ max: YEAR_9999 }),
    });
    fc.assert(
      fc.property(parts, (any) => {
        const key = { origin: origin(any.id), publicKey };
        const promised = { ballotHash: any.ballotHash, by: any.by };
        const note = signPromise(promised, key, seed);
        assert.deepEqual(openPromise(note, key), { ok: true, value: { ...promised, text: note } });
      }),
      { numRuns: 50 },
    );
  });

  it('is not opened after any change of a character', () => {
    const change = fc.string({ unit: 'binary', minLength: 1, maxLength: 1 });
    fc.assert(
      fc.property(fc.nat(text.length - 1), change, (at, character) => {
        const changed = text.slice(0, at) + character + text.slice(at + 1);
        assert.equal(openPromise(changed, log).ok, changed === text);
      }),
      { numRuns: 1000 },
    );
    for (let at = 0; at < text.length; at++) {
      assert.equal(openPromise(text.slice(0, at), log).ok, false);
      assert.equal(openPromise(text.slice(0, at) + text.slice(at + 1), log).ok, false);
    }
  });

  it('is of one election and one key', () => {
    const other = origin('other');
    assert.match(errorOf(openPromise(text, { ...log, origin: other })), /not about the log psephos\/other/);
    assert.match(errorOf(openPromise(text, { ...log, publicKey: stranger.publicKey })), /not signed by/);
    const elsewhere = signPromise({ ballotHash, by }, { origin: other, publicKey }, seed);
    assert.match(errorOf(openPromise(elsewhere, log)), /not about the log/);
    const mixed = signNote(`${LINES.join('\n')}\n`, { name: other, publicKey }, seed);
    assert.match(errorOf(openPromise(mixed, log)), /not signed by/);
    const forged = signNote(`${LINES.join('\n')}\n`, { name, publicKey }, stranger.seed);
    assert.match(errorOf(openPromise(forged, log)), /not valid/);
  });

  it('is no checkpoint, and no checkpoint is a promise', () => {
    assert.equal(parseCheckpoint(text).ok, false);
    assert.equal(openCheckpoint(text, log).ok, false);
    const checkpoint = signCheckpoint({ origin: name, size: by, root: ballotHash }, seed, publicKey);
    assert.match(errorOf(openPromise(checkpoint, log)), /not a promise/);
    // Not even where the log has the first line of promises for its name.
    const odd = { origin: first, publicKey };
    const named = signCheckpoint({ origin: first, size: by, root: ballotHash }, seed, publicKey);
    assert.match(errorOf(openPromise(named, odd)), /not a promise/);
    assert.equal(openCheckpoint(signPromise({ ballotHash, by }, odd, seed), odd).ok, false);
  });

  it('keeps what others added to it, and is the same without', () => {
    const note = `${text}— w AAAAAAA=\n`;
    assert.deepEqual(valueOf(openPromise(note, log)), { ballotHash, by, text: note });
  });
});

describe('what is signed as a promise and is none', () => {
  it('has other lines', () => {
    for (const lines of [
      [first],
      [first, second],
      [first, second, third],
      [...LINES, ''],
      [...LINES, 'more'],
      ['', ...LINES],
      ['psephos/promise/v2', second, third, fourth],
      ['psephos/promise/v1 ', second, third, fourth],
      [second, first, third, fourth],
    ]) {
      assert.match(errorOf(openPromise(signed(...lines), log)), /not a promise|not about/, lines.join('|'));
    }
  });

  it('has another spelling of the hash', () => {
    const stray = `${third.slice(0, -2)}${third.at(-2) === 'c' ? 'd' : 'c'}=`;
    assert.equal(fromBase64(stray), undefined);
    const short = toBase64(ballotHash.subarray(1));
    for (const hash of ['', ` ${third}`, third.slice(0, -1), `${third}=`, stray, short, `AAAA${third}`]) {
      assert.match(errorOf(openPromise(signed(first, second, hash, fourth), log)), /malformed/, hash);
    }
  });

  it('has another spelling of the time, or none that a log could reach', () => {
    for (const time of [
      '',
      '-1',
      '+1',
      '01',
      '1.5',
      '1e3',
      ' 1',
      '٣',
      String(YEAR_9999 + 1),
      '9'.repeat(40),
    ]) {
      assert.match(errorOf(openPromise(signed(first, second, third, time), log)), /malformed/, time);
    }
    for (const time of ['0', String(YEAR_9999)]) {
      assert.equal(valueOf(openPromise(signed(first, second, third, time), log)).by, Number(time));
    }
  });

  it('is no note', () => {
    for (const other of [
      '',
      LINES.join('\n'),
      text.slice(0, -1),
      `${text}\n`,
      text.replaceAll('\n', '\r\n'),
    ]) {
      assert.equal(openPromise(other, log).ok, false);
    }
    assert.match(errorOf(openPromise('x'.repeat(1_000_000), log)), /longer/);
  });

  it('is never signed', () => {
    for (const time of [-1, 0.5, NaN, Infinity, YEAR_9999 + 1, 1e300]) {
      assert.throws(() => signPromise({ ballotHash, by: time }, log, seed), RangeError);
    }
    for (const length of [0, 31, 33]) {
      assert.throws(() => signPromise({ ballotHash: new Uint8Array(length), by }, log, seed), RangeError);
    }
    for (const bad of ['', 'two words', 'a+b', `${name}\n5`]) {
      assert.throws(() => signPromise({ ballotHash, by }, { origin: bad, publicKey }, seed), RangeError);
    }
  });
});
