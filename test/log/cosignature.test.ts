import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { concatBytes, equalBytes, fromBase64, toBase64, toHex, utf8ToBytes } from '#src/base/bytes.js';
import { sign, verify } from '#src/crypto/signature.js';
import { openCheckpoint, origin, signCheckpoint } from '#src/log/checkpoint.js';
import {
  MAX_COSIGNATURES,
  cosign,
  cosignaturesOf,
  cosignerName,
  cosignerVerifierKey,
  openCosigned,
  withCosignatures,
} from '#src/log/cosignature.js';
import { keyId, parseNote, signNote, signatureLine, verifierKey } from '#src/log/note.js';
import { readVectors } from '../support/repository.js';
import { errorOf, valueOf } from '../support/results.js';
import { type TestKey, testKey } from '../support/test-keys.js';

const authority = testKey(1);
const [anna, bruno, carla] = [testKey(21), testKey(22), testKey(23)];
const name = origin('bafyreigh2akiscaildc');
const log = { origin: name, publicKey: authority.publicKey };
const head = { origin: name, size: 20_852_163, root: new Uint8Array(32).fill(9) };
const text = signCheckpoint(head, authority.seed, authority.publicKey);
const body = `${text.slice(0, text.indexOf('\n\n'))}\n`;
const ownLine = text.slice(body.length + 1);
const NOW = 1_750_000_000;
const YEAR_9999 = 253_402_300_799;

const lineBy = (observer: TestKey, time = NOW, of = text): string => cosign({ text: of }, observer, time);
/** A line as an observer's would be, of these parts. */
function madeLine(
  observer: TestKey,
  parts: { name?: string; type?: number; time?: bigint; body?: string; signature?: Uint8Array } = {},
): string {
  const signer = parts.name ?? cosignerName(observer.publicKey);
  const time = new Uint8Array(8);
  new DataView(time.buffer).setBigUint64(0, parts.time ?? BigInt(NOW));
  const message = utf8ToBytes(`cosignature/v1\ntime ${parts.time ?? NOW}\n${parts.body ?? body}`);
  return signatureLine({
    name: signer,
    keyId: keyId({ name: signer, publicKey: observer.publicKey }, parts.type ?? 4),
    signature: parts.signature ?? concatBytes(time, sign(message, observer.seed)),
  });
}
const found = (note: string) => cosignaturesOf({ text: note });
/** Who cosigned, and when. */
const who = (cosignatures: readonly { observer: Uint8Array; time: number }[]) =>
  cosignatures.map(({ observer, time }) => [toHex(observer), time]);
const by = (observer: TestKey, time = NOW) => [toHex(observer.publicKey), time];

describe('cosignatures of others, as published', () => {
  const specification = readVectors('tlog-cosignature/specification.json') as {
    checkpoint: string;
    message: string;
    time: number;
  };
  const remora = readVectors('tlog-cosignature/remora.json') as {
    checkpoint: string;
    verifierKey: string;
    time: number;
  };

  it('have the layout of the specification’s example', () => {
    const note = valueOf(parseNote(specification.checkpoint));
    const line = note.signatures[1];
    assert.equal(line?.name, 'witness.example.com/w1');
    const ours = valueOf(parseNote(text + lineBy(anna, specification.time))).signatures[1];
    assert.equal(ours?.signature.length, line.signature.length);
    assert.deepEqual(ours.signature.subarray(0, 8), line.signature.subarray(0, 8));
  });

  it('sign the message of the specification’s example', () => {
    const line = valueOf(
      parseNote(specification.checkpoint + lineBy(anna, specification.time, specification.checkpoint)),
    ).signatures.at(-1);
    const message = utf8ToBytes(specification.message);
    assert.ok(verify(line?.signature.subarray(8) ?? new Uint8Array(), message, anna.publicKey));
  });

  it('hold for us, under the name that their key would have here', () => {
    // A plus may be in the base64, too.
    const [, signer = '', id = '', material = ''] = /^([^+]+)\+([^+]+)\+(.+)$/.exec(remora.verifierKey) ?? [];
    const publicKey = (fromBase64(material) as Uint8Array).subarray(1);
    assert.equal(verifierKey(signer, publicKey, 4), remora.verifierKey);
    const note = valueOf(parseNote(remora.checkpoint));
    const line = note.signatures.find((signature) => signature.name === signer);
    assert.equal(toHex(line?.keyId ?? new Uint8Array()), id);

    const own = { name: cosignerName(publicKey), publicKey };
    const renamed = signatureLine({
      name: own.name,
      keyId: keyId(own, 4),
      signature: line?.signature ?? new Uint8Array(),
    });
    assert.deepEqual(found(remora.checkpoint), []);
    assert.deepEqual(found(remora.checkpoint + renamed), [
      { observer: publicKey, time: remora.time, line: renamed },
    ]);
    assert.deepEqual(found(remora.checkpoint.replace('1432088532', '1432088533') + renamed), []);
  });
});

describe('a cosignature', () => {
  it('is one line under the name of its observer’s key, which a verifier key spells out', () => {
    const line = lineBy(anna);
    assert.match(line, /^— psephos\/observer\/[0-9a-f]{64} [A-Za-z0-9+/]{102}==\n$/u);
    const id = toHex(keyId({ name: cosignerName(anna.publicKey), publicKey: anna.publicKey }, 4));
    assert.equal(
      cosignerVerifierKey(anna.publicKey),
      `psephos/observer/${toHex(anna.publicKey)}+${id}+${toBase64(concatBytes(Uint8Array.of(4), anna.publicKey))}`,
    );
    assert.equal(line, madeLine(anna));
  });

  it('is found as it was made, by whomever, on whatever checkpoint', () => {
    const parts = fc.record({
      size: fc.maxSafeNat(),
      root: fc.uint8Array({ minLength: 32, maxLength: 32 }),
      observers: fc.uniqueArray(fc.integer({ min: 2, max: 60 }), { maxLength: 5 }),
      time: fc.nat({ max: YEAR_9999 }),
    });
    fc.assert(
      fc.property(parts, ({ size, root, observers, time }) => {
        const bare = signCheckpoint({ origin: name, size, root }, authority.seed, authority.publicKey);
        const cosignatures = observers.map((byte) => {
          const observer = testKey(byte);
          return { observer: observer.publicKey, time, line: cosign({ text: bare }, observer, time) };
        });
        const cosigned = withCosignatures(bare, cosignatures);
        assert.deepEqual(valueOf(openCosigned(cosigned, log)), {
          ...{ origin: name, size, root, bare, cosignatures },
          text: cosigned,
        });
        assert.deepEqual(cosignaturesOf({ text: cosigned }), cosignatures);
      }),
      { numRuns: 40 },
    );
  });

  it('says the same on a note that others cosigned before', () => {
    assert.equal(lineBy(anna, NOW, text + lineBy(bruno)), lineBy(anna));
  });

  it('is made for a checkpoint and a time only', () => {
    for (const time of [-1, 0.5, NaN, Infinity, YEAR_9999 + 1, 2 ** 53]) {
      assert.throws(() => lineBy(anna, time), /no time in seconds/);
    }
    const signed = (other: string) =>
      signNote(other, { name, publicKey: authority.publicKey }, authority.seed);
    for (const other of ['', 'text\n', body, signed('text\n'), signed(`${body}extension\n`)]) {
      assert.throws(() => cosign({ text: other }, anna, NOW), /no checkpoint/);
    }
  });

  it('vanishes by a change of any one character of its line, and nothing else does', () => {
    const lines = [lineBy(anna), lineBy(bruno, NOW + 1), lineBy(carla, NOW + 2)] as const;
    const middle = lines[1];
    // The line break is the note's, not the line's.
    const place = fc.nat(middle.length - 2);
    fc.assert(
      fc.property(place, fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }), (at, character) => {
        const changed = middle.slice(0, at) + character + middle.slice(at + 1);
        fc.pre(changed !== middle);
        const note = text + lines[0] + changed + lines[2];
        const opened = openCosigned(note, log);
        // Where the change left no checkpoint (a line break does), there is nothing that could be read.
        assert.equal(opened.ok, openCheckpoint(note, log).ok);
        if (character !== '\n' && !opened.ok) assert.match(opened.error, /signature line|control character/);
        if (!opened.ok) {
          assert.deepEqual(found(note), []);
          return;
        }
        assert.deepEqual(who(opened.value.cosignatures), [by(anna), by(carla, NOW + 2)]);
        assert.equal(opened.value.text, text + lines[0] + lines[2]);
      }),
      { numRuns: 2000 },
    );
  });

  it('vanishes by a change of any one symbol that leaves a note', () => {
    const line = lineBy(anna);
    const others = lineBy(bruno);
    for (let at = line.indexOf('/') + 1; at < line.length - 3; at++) {
      if (line[at] === ' ') continue;
      const changed = line.slice(0, at) + (line[at] === 'b' ? 'c' : 'b') + line.slice(at + 1);
      const opened = openCosigned(text + changed + others, log);
      // Of the last symbol before the padding, most changes are no base64.
      if (!opened.ok) assert.equal(at, line.length - 4);
      else assert.deepEqual(who(opened.value.cosignatures), [by(bruno)], changed);
    }
  });

  it('does not hold for another checkpoint of the log, nor for another log', () => {
    const line = lineBy(anna);
    for (const other of [
      { ...head, size: head.size + 1 },
      { ...head, root: head.root.with(31, 8) },
      { ...head, origin: origin('other') },
    ]) {
      assert.deepEqual(found(signCheckpoint(other, authority.seed, authority.publicKey) + line), []);
    }
  });
});

describe('looking for cosignatures', () => {
  it('passes over lines of strangers and of other types', () => {
    const plain = sign(utf8ToBytes(body), anna.seed);
    const strangers = [
      // A plain signature of the note under the observer's name; what it signs is no cosignature.
      madeLine(anna, { type: 1, signature: plain }),
      madeLine(anna, { signature: plain }),
      // The id of another type, on what would else hold.
      madeLine(anna, { type: 1 }),
      madeLine(anna, { type: 6 }),
      // The name of another key, in other letters, too short, of no key; and another namespace.
      madeLine(anna, { name: cosignerName(bruno.publicKey) }),
      madeLine(anna, { name: cosignerName(anna.publicKey).toUpperCase() }),
      madeLine(anna, { name: `psephos/observer/${toHex(anna.publicKey).toUpperCase()}` }),
      madeLine(anna, { name: `psephos/observer/${toHex(anna.publicKey.subarray(1))}` }),
      madeLine(anna, { name: `psephos/observer/${toHex(anna.publicKey)}00` }),
      madeLine(anna, { name: `psephos/observer/${'zz'.repeat(32)}` }),
      madeLine(anna, { name: 'psephos/observer/' }),
      madeLine(anna, { name: 'witness.example.com/w1' }),
      madeLine(anna, { name }),
      // Another length.
      madeLine(anna, { signature: new Uint8Array(71) }),
      madeLine(anna, { signature: new Uint8Array(73) }),
      madeLine(anna, { signature: new Uint8Array(1) }),
      // Another message: the time in other digits than those that count, or another header.
      madeLine(anna, { body: ` ${body}` }),
      madeLine(anna, { body: `${body}\n` }),
      '— w AAAAAAA=\n',
    ];
    for (const line of strangers) {
      assert.deepEqual(found(text + line), [], line);
      assert.deepEqual(who(found(text + line + lineBy(anna) + line)), [by(anna)], line);
    }
    const opened = valueOf(openCosigned(text + strangers.join('') + lineBy(bruno), log));
    assert.equal(opened.text, text + lineBy(bruno));
    assert.equal(opened.bare, text);
  });

  it('refuses keys and signatures that the strict rule refuses', () => {
    // The identity as a key: every message has the signature R = identity, S = 0 under it, where a verifier lets it.
    const identity = new Uint8Array(32).with(0, 1);
    const signature = concatBytes(new Uint8Array(8), identity, new Uint8Array(32));
    const signer = { name: cosignerName(identity), publicKey: identity };
    assert.deepEqual(
      found(text + signatureLine({ name: signer.name, keyId: keyId(signer, 4), signature })),
      [],
    );
  });

  it('finds any number of observers, in the order of their lines', () => {
    const lines = [lineBy(carla, 5), lineBy(anna, 7), lineBy(bruno, 6)];
    assert.deepEqual(who(found(text + lines.join(''))), [by(carla, 5), by(anna, 7), by(bruno, 6)]);
    // Before the log's own line, too.
    const before = `${body}\n${lines[0] ?? ''}${ownLine}${lines[1] ?? ''}`;
    const opened = valueOf(openCosigned(before, log));
    assert.deepEqual(who(opened.cosignatures), [by(carla, 5), by(anna, 7)]);
    assert.equal(opened.text, `${text}${lines[0] ?? ''}${lines[1] ?? ''}`);
  });

  it('takes one of each observer, and of several the newest, in whatever order', () => {
    const times = fc.array(fc.integer({ min: NOW - 3, max: NOW + 3 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(times, times, (ofAnna, ofBruno) => {
        const lines = [
          ...ofAnna.map((time) => lineBy(anna, time)),
          ...ofBruno.map((time) => lineBy(bruno, time)),
        ];
        const cosignatures = found(text + lines.join(''));
        assert.deepEqual(who(cosignatures), [by(anna, Math.max(...ofAnna)), by(bruno, Math.max(...ofBruno))]);
      }),
      { numRuns: 40 },
    );
    const forged = madeLine(anna, { time: BigInt(NOW + 9), body: 'else\n' });
    assert.deepEqual(who(found(text + lineBy(anna) + forged)), [by(anna)]);
    assert.deepEqual(who(found(text + forged + lineBy(anna))), [by(anna)]);
  });

  it(`takes ${MAX_COSIGNATURES} observers at most, and a later line of one of them still`, () => {
    const observers = Array.from({ length: MAX_COSIGNATURES + 3 }, (_, place) => testKey(100 + place));
    const newer = lineBy(observers[0] as TestKey, NOW + 1);
    const cosignatures = found(text + observers.map((observer) => lineBy(observer)).join('') + newer);
    assert.deepEqual(who(cosignatures), [
      by(observers[0] as TestKey, NOW + 1),
      ...observers.slice(1, MAX_COSIGNATURES).map((observer) => by(observer)),
    ]);
    // What was found makes a note that is read again.
    assert.equal(found(withCosignatures(text, cosignatures)).length, MAX_COSIGNATURES);
    assert.equal(valueOf(openCosigned(withCosignatures(text, cosignatures), log)).size, head.size);
  });

  it('takes the wanted observers alone, whom no number of others crowds out', () => {
    const strangers = Array.from({ length: 61 }, (_, place) => lineBy(testKey(100 + place)));
    const note = text + strangers.join('') + lineBy(anna) + lineBy(bruno);
    const wantsAnna = (observer: Uint8Array): boolean => equalBytes(observer, anna.publicKey);
    assert.equal(found(note).length, MAX_COSIGNATURES);
    assert.deepEqual(who(cosignaturesOf({ text: note }, wantsAnna)), [by(anna)]);
    assert.deepEqual(
      cosignaturesOf({ text: note }, () => false),
      [],
    );
    const opened = valueOf(openCosigned(note, log, wantsAnna));
    assert.equal(opened.text, text + lineBy(anna));
    assert.equal(valueOf(openCosigned(note, log, () => false)).text, text);
  });

  it('asks for each line whether it is wanted, by the observer that it names', () => {
    const [old, fresh] = [lineBy(anna), lineBy(anna, NOW + 1)];
    const asked: [string, string][] = [];
    const known = (observer: Uint8Array, line: string): boolean => {
      asked.push([toHex(observer), line]);
      return line !== old;
    };
    assert.deepEqual(cosignaturesOf({ text: text + old }, known), []);
    assert.deepEqual(who(cosignaturesOf({ text: text + old + fresh }, known)), [by(anna, NOW + 1)]);
    assert.deepEqual(
      asked.map(([, line]) => line),
      [old, old, fresh],
    );
    assert.ok(asked.every(([observer]) => observer === toHex(anna.publicKey)));
  });

  it('takes times from 1970 to the year 9999', () => {
    for (const time of [0, 1, 2 ** 31, 2 ** 32, YEAR_9999]) {
      assert.deepEqual(who(found(text + lineBy(anna, time))), [by(anna, time)]);
    }
    for (const time of [BigInt(YEAR_9999) + 1n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n]) {
      assert.deepEqual(found(text + madeLine(anna, { time })), []);
    }
  });

  it('finds nothing in what is no note', () => {
    for (const other of ['', body, text.slice(0, -1), `${text}\n`]) assert.deepEqual(found(other), []);
  });
});

describe('opening a cosigned checkpoint', () => {
  it('refuses what is not of the log, whoever cosigned it', () => {
    const line = lineBy(anna);
    for (const note of [
      '',
      body,
      `${body}\n${line}`,
      `${text}more`,
      text.replace('20852163', '20852164') + line,
    ]) {
      assert.equal(errorOf(openCosigned(note, log)), errorOf(openCheckpoint(note, log)));
    }
    const other = { ...log, publicKey: anna.publicKey };
    assert.match(errorOf(openCosigned(text + line, other)), /not signed by the expected key/);
  });

  it('takes what the log signed twice, with the first of its signatures', () => {
    const line = lineBy(anna);
    for (const note of [text + ownLine + line, text + line + ownLine, text + ownLine.repeat(20) + line]) {
      const opened = valueOf(openCosigned(note, log));
      assert.equal(opened.bare, text);
      assert.equal(opened.text, text + line);
    }
  });

  it('takes no line for the log’s own that has its name or its key id alone', () => {
    for (const other of [madeLine(authority, { name }), ownLine.replace(name, 'other')]) {
      assert.equal(valueOf(openCosigned(`${body}\n${other}${ownLine}`, log)).bare, text);
    }
  });

  it('refuses a note of which one signature of the log does not hold, as every reader does', () => {
    const bad = signatureLine({
      name,
      keyId: keyId({ name, publicKey: authority.publicKey }),
      signature: sign(utf8ToBytes('else'), authority.seed),
    });
    for (const note of [text + bad, `${body}\n${bad}${ownLine}`]) {
      assert.match(errorOf(openCosigned(note, log)), /not valid/);
    }
  });

  it('gives a text that opens to the same', () => {
    const note = `${text}— w AAAAAAA=\n${lineBy(anna)}${lineBy(bruno)}${ownLine}${lineBy(anna, NOW + 5)}`;
    const opened = valueOf(openCosigned(note, log));
    assert.deepEqual(valueOf(openCosigned(opened.text, log)), opened);
    assert.deepEqual(valueOf(openCosigned(opened.bare, log)), { ...opened, text, cosignatures: [] });
  });
});
