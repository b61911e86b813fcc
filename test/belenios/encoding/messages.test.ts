import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Result } from '#src/base/result.js';
import { group } from '#src/crypto/group/group.js';
import { decodePublicCredentials, encodePublicCredentials } from '#src/belenios/v1/encoding/credentials.js';
import { decodeElection, encodeElection } from '#src/belenios/v1/encoding/election.js';
import {
  EVENT_TYPES,
  decodeEvent,
  decodeHeader,
  encodeEvent,
  encodeHeader,
} from '#src/belenios/v1/encoding/events.js';
import { dataHash } from '#src/belenios/v1/encoding/hashes.js';
import {
  decodePrivateKeyFile,
  decodePublicKeyFile,
  encodePrivateKeyFile,
  encodePublicKeyFile,
} from '#src/belenios/v1/encoding/key-files.js';
import { type DecodeProblem, problemText } from '#src/belenios/v1/encoding/problem.js';
import { decodeProof } from '#src/belenios/v1/encoding/proof.js';
import { decodeSetupData, encodeSetupData } from '#src/belenios/v1/encoding/setup.js';
import {
  decodeEncryptedTally,
  decodeOwned,
  decodePartialDecryption,
  decodeResult,
  decodeSizedEncryptedTally,
  encodeEncryptedTally,
  encodeOwned,
  encodePartialDecryption,
  encodeResult,
  encodeSizedEncryptedTally,
} from '#src/belenios/v1/encoding/tally.js';
import {
  decodeCertificateKeys,
  decodeCoefexps,
  decodeTrustees,
  encodeCertificateKeys,
  encodeCoefexps,
  encodeTrustees,
} from '#src/belenios/v1/encoding/trustees.js';
import { errorOf, valueOf } from '../../support/results.js';
import { ELECTIONS, entriesOf, fixture, textsOf } from '../fixtures.js';

const refusal = (read: Result<unknown, DecodeProblem>): string => problemText(errorOf(read));

const [[electionText = '', trusteesText = '', credentialsText = '', setupText = ''] = []] = await textsOf(
  'h-single/tallied.bel',
  'Setup',
);
const [[, sizedText = ''] = []] = await textsOf('h-single/tallied.bel', 'EncryptedTally');
const [[decryptionText = '', ownedText = ''] = []] = await textsOf(
  'h-single/tallied.bel',
  'PartialDecryption',
);

/** Names that a text may give a field, half characters among them. */
const anyName = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('\ud800', `${'x'.repeat(39)}\ud83d\ude00`, '__proto__', 'toString'),
);

describe('a field that nobody knows', () => {
  it('is refused whatever its name, and never more than that', () => {
    fc.assert(
      fc.property(anyName, (name) => {
        const text = `{"challenge":"1","response":"2",${JSON.stringify(name)}:1}`;
        const read = decodeProof(text);
        assert.equal(read.ok, false);
      }),
    );
  });
});

describe('messages of whole elections', () => {
  for (const name of ELECTIONS) {
    it(`are read and written again in ${name}`, async () => {
      for (const { event, file, data } of await entriesOf(fixture(`${name}/tallied.bel`))) {
        assert.equal(encodeEvent(valueOf(decodeEvent(file.text))), file.text);
        const [first = '', second = '', third = '', fourth = ''] = data.map(({ text }) => text);
        if (event.type === 'Setup') {
          assert.equal(encodeElection(valueOf(decodeElection(first))), first);
          assert.equal(encodeTrustees(valueOf(decodeTrustees(second))), second);
          assert.equal(encodePublicCredentials(valueOf(decodePublicCredentials(third))), third);
          assert.equal(encodeSetupData(valueOf(decodeSetupData(fourth))), fourth);
        } else if (event.type === 'EncryptedTally') {
          assert.equal(encodeEncryptedTally(valueOf(decodeEncryptedTally(first))), first);
          assert.equal(encodeSizedEncryptedTally(valueOf(decodeSizedEncryptedTally(second))), second);
        } else if (event.type === 'PartialDecryption') {
          assert.equal(encodePartialDecryption(valueOf(decodePartialDecryption(first))), first);
          assert.equal(encodeOwned(valueOf(decodeOwned(second))), second);
        } else if (event.type === 'Result') {
          assert.equal(encodeResult(valueOf(decodeResult(first))), first);
        }
      }
    });
  }

  it('have messages inside the parameters of threshold trustees', async () => {
    const [[, trustees = ''] = []] = await textsOf('h-threshold/tallied.bel', 'Setup');
    const [trustee] = valueOf(decodeTrustees(trustees));
    assert.ok(trustee?.kind === 'Pedersen');
    for (const { message } of trustee.parameters.certs) {
      assert.equal(encodeCertificateKeys(valueOf(decodeCertificateKeys(message))), message);
    }
    for (const { message } of trustee.parameters.coefexps) {
      assert.equal(encodeCoefexps(valueOf(decodeCoefexps(message))), message);
    }
  });
});

describe('a text that counts as it stands', () => {
  const spaced = (text: string): string => text.replaceAll(',', ' ,\n\t').replaceAll(':', ' : ');
  const strictly: readonly (readonly [string, (text: string) => Result<unknown, DecodeProblem>])[] = [
    [trusteesText, (text) => decodeTrustees(text)],
    [credentialsText, (text) => decodePublicCredentials(text)],
    [setupText, (text) => decodeSetupData(text)],
    [decryptionText, (text) => decodePartialDecryption(text)],
    [ownedText, (text) => decodeOwned(text)],
    ['{"result":[[2,2,1]]}', (text) => decodeResult(text)],
    [sizedText, (text) => decodeSizedEncryptedTally(text)],
  ];
  const asItStands: readonly ((text: string) => Result<unknown, DecodeProblem>)[] = [
    (text) => decodeTrustees(text, 'as-it-stands'),
    (text) => decodePublicCredentials(text, 'as-it-stands'),
    (text) => decodeSetupData(text, 'as-it-stands'),
    (text) => decodePartialDecryption(text, 'as-it-stands'),
    (text) => decodeOwned(text, 'as-it-stands'),
    (text) => decodeResult(text, 'as-it-stands'),
    (text) => decodeSizedEncryptedTally(text, 'as-it-stands'),
  ];

  it('may have spaces and further fields, which the canonical text may not', () => {
    for (const [i, [text, strict]] of strictly.entries()) {
      const lenient = asItStands[i];
      assert.ok(lenient);
      const value = valueOf(strict(text));
      assert.deepEqual(valueOf(lenient(text)), value);
      assert.match(refusal(strict(spaced(text))), /canonical/);
      assert.deepEqual(valueOf(lenient(spaced(text))), value);
      if (!text.includes('{')) continue;
      const extended = text.replace('{', '{"further":[1.5,{"a":null}],');
      assert.match(refusal(strict(extended)), /unknown field "further"/);
      assert.deepEqual(valueOf(lenient(extended)), value);
    }
  });

  it('has no field twice: readers disagree on which one counts', () => {
    const twice = setupText.replace(/"election":"[0-9a-f]+"/, '$&,$&');
    assert.match(refusal(decodeSetupData(twice, 'as-it-stands')), /twice/);
    assert.match(refusal(decodeSetupData(twice)), /canonical/);
    assert.match(
      refusal(decodeElection(electionText.replace('"version":1', '"version":1,"version":1'))),
      /twice/,
    );
  });
});

describe('the text of an election', () => {
  const read = (from: string | RegExp, to: string) => decodeElection(electionText.replace(from, to));

  it('may be in any layout and order, with fields of later versions', () => {
    const value = valueOf(decodeElection(electionText));
    assert.deepEqual(valueOf(read('"version":1,', '"language":"en",\n "version" : 1 ,')), value);
    assert.deepEqual(valueOf(read('"Single choice"', '"\\u0053ingle choice"')), value);
    assert.deepEqual(valueOf(read(/("name":"[^"]*"),("group":"[^"]*")/, '$2,$1')), value);
  });

  it('keeps an absent `blank` apart from false', () => {
    const [question] = valueOf(read('"min":1', '"blank":false,"min":1')).questions;
    assert.equal(question?.blank, false);
    assert.ok(!('blank' in (valueOf(decodeElection(electionText)).questions[0] ?? {})));
  });

  it('is unsupported in other versions, groups and kinds of questions', () => {
    const kind = (result: Result<unknown, DecodeProblem>): string => {
      const { kind, path } = errorOf(result);
      return `${kind} ${path}`;
    };
    assert.equal(kind(read('"version":1', '"version":2')), 'unsupported version');
    assert.equal(kind(read('"Ed25519"', '"BELENIOS-2048"')), 'unsupported group');
    assert.equal(
      kind(read(/"questions":\[.*\],/, '"questions":[{"type":"Lists","value":{}}],')),
      'unsupported questions[0]',
    );
    assert.equal(kind(read('"max":1', '"max":1000000')), 'unsupported questions[0]');
  });

  it('is refused when it makes no sense', () => {
    assert.match(refusal(read('"min":1', '"min":2')), /^questions\[0\]: at least 2 and at most 1/);
    assert.match(refusal(read('"min":1', '"min":-1')), /^questions\[0\]\.min: -1/);
    assert.match(
      refusal(read('"min":1', '"min":1.0')),
      /^questions\[0\]\.min: a number, expected an integer/,
    );
    assert.match(refusal(read('"min":1', '"min":"1"')), /^questions\[0\]\.min: a string/);
    assert.match(refusal(read('"min":1', '"blank":null,"min":1')), /^questions\[0\]\.blank: null/);
    assert.match(refusal(read('eeonPr2F6jmuMs', 'eeonPr2F6jmuM')), /^uuid: /);
    assert.match(refusal(read('eeonPr2F6jmuMs', 'eeonPr2F6jmuM0')), /^uuid: /);
    assert.match(refusal(read('Single choice', '\\ud800')), /surrogate/);
    assert.match(refusal(read('"version":1', '"version":1/**/')), /not JSON/);
  });

  it('is written with the escapes of Belenios', async () => {
    const texts = fc.string({ unit: 'binary' });
    fc.assert(
      fc.property(texts, (name) => {
        const value = { ...valueOf(decodeElection(electionText)), name };
        const written = encodeElection(value);
        assert.deepEqual(valueOf(decodeElection(written)), value);
        assert.ok(!/\p{Cc}/u.test(written.replace(/[\u0080-\u009f]/g, '')));
      }),
    );
    const [[text = ''] = []] = await textsOf('made-empty/open.bel', 'Setup');
    assert.match(text, /"name":"n \\u007f\\u0001 é"/);
  });
});

describe('public credentials', () => {
  const [key = '', other = ''] = JSON.parse(credentialsText) as string[];
  const listOf = (...items: string[]): string => JSON.stringify(items);

  it('have a weight, 1 where none is written', () => {
    const read = valueOf(decodePublicCredentials(listOf(key, `${other},5000000000`)));
    assert.deepEqual(
      read.map(({ weight }) => weight),
      [undefined, 5_000_000_000n],
    );
    assert.equal(encodePublicCredentials(read), listOf(key, `${other},5000000000`));
  });

  it('may be followed by a name where the text counts as it stands', () => {
    for (const item of [`${key},,name`, `${key},`, `${key},3,name, with comma`]) {
      assert.ok(decodePublicCredentials(listOf(item), 'as-it-stands').ok, item);
      assert.ok(!decodePublicCredentials(listOf(item)).ok, item);
    }
  });

  it('are refused twice, with other keys, and with other spellings of weights', () => {
    for (const mode of ['strict', 'as-it-stands'] as const) {
      assert.match(refusal(decodePublicCredentials(listOf(key, other, `${key},2`), mode)), /^\[2\]: .*twice/);
      for (const weight of ['-1', '+1', '01', '0x1', '1.0', ' 1', '1e3']) {
        assert.match(refusal(decodePublicCredentials(listOf(`${key},${weight}`), mode)), /weight/, weight);
      }
      assert.match(refusal(decodePublicCredentials(listOf(key.toUpperCase()), mode)), /^\[0\]: /);
      assert.match(refusal(decodePublicCredentials(listOf('0'.repeat(64)), mode)), /^\[0\]: /);
    }
  });
});

describe('numbers of a result', () => {
  it('are strings above 2^30 - 1, in the canonical text', () => {
    const text = '{"result":[[0,1073741823,"1073741824"],["123456789012345678901234567890"]]}';
    const value = valueOf(decodeResult(text));
    assert.deepEqual(value, [[0n, 1073741823n, 1073741824n], [123456789012345678901234567890n]]);
    assert.equal(encodeResult(value), text);
    for (const number of ['"1"', '1073741824', '1.0', '1e2', '-0', '-1', '"-1"', '"01"', '"+1"', 'null']) {
      assert.ok(!decodeResult(`{"result":[[${number}]]}`).ok, number);
    }
  });

  it('are exact numbers or strings where the text counts as it stands', () => {
    const of = (number: string) => decodeResult(`{"result":[[${number}]]}`, 'as-it-stands');
    for (const [number, expected] of [
      ['"1"', 1n],
      ['1073741824', 1073741824n],
      ['9007199254740993', 9007199254740993n],
    ] as const) {
      assert.deepEqual(valueOf(of(number)), [[expected]]);
    }
    for (const number of [
      '1.0',
      '1e2',
      '-0',
      '-1',
      '"-1"',
      '"01"',
      '"+1"',
      '"0x1"',
      'null',
      '1'.repeat(200),
    ]) {
      assert.ok(!of(number).ok, number);
    }
  });
});

describe('events and header', () => {
  it('are read and written again', () => {
    const hash = fc.stringMatching(/^[0-9a-f]{64}$/);
    const event = fc.record(
      { parent: hash, height: fc.nat(2 ** 30 - 1), type: fc.constantFrom(...EVENT_TYPES), payload: hash },
      { requiredKeys: ['height', 'type'], noNullPrototype: true },
    );
    fc.assert(
      fc.property(event, (value) => {
        assert.deepEqual(valueOf(decodeEvent(encodeEvent(value))), value);
      }),
    );
    fc.assert(
      fc.property(fc.nat(8 ** 11 - 1), (time) => {
        assert.equal(valueOf(decodeHeader(encodeHeader(time))), time);
      }),
    );
  });

  it('are refused in other forms', () => {
    const event = `{"height":0,"type":"Setup","payload":"${dataHash('')}"}`;
    assert.ok(decodeEvent(event).ok);
    for (const [from, to] of [
      ['0', '-0'],
      ['0', '0.0'],
      ['0', '"0"'],
      ['Setup', 'setup'],
      ['Setup', '\\u0053etup'],
      [/"payload".*"/, '"payload":null'],
      ['{', '{"parent":null,'],
    ] as const) {
      assert.ok(!decodeEvent(event.replace(from, to)).ok, to);
    }
    assert.ok(decodeHeader('{"version":1,"timestamp":5}').ok);
    for (const header of [
      '{"version":2,"timestamp":"5"}',
      '{"version":1,"timestamp":"05"}',
      '{"version":1,"timestamp":5.5}',
      '{"version":1,"timestamp":"-5"}',
      `{"version":1,"timestamp":"${8 ** 11}"}`,
      '{"timestamp":"5","version":1}',
      '{"version":1,"timestamp":"5"}\n',
    ]) {
      assert.ok(!decodeHeader(header).ok, header);
    }
  });
});

describe('key files of trustees', () => {
  const fileOf = (path: string): string => new TextDecoder().decode(fixture(path));

  it('are those of Belenios', () => {
    for (const name of ['h-single', 'h-multi', 'h-weights']) {
      const secret = fileOf(`${name}/private/trustee1.privkey`).trimEnd();
      assert.equal(encodePrivateKeyFile(valueOf(decodePrivateKeyFile(secret))), `${secret}\n`);
      const key = fileOf(`${name}/private/trustee1.pubkey`).trimEnd();
      assert.equal(encodePublicKeyFile(valueOf(decodePublicKeyFile(`${key}\n`))), `${key}\n`);
    }
  });

  it('keep the secret out of what is said about them', () => {
    const secret = '1234567890123456789012345678901234567890';
    for (const file of [
      secret,
      `"${secret}`,
      `"0${secret}"`,
      `{"key":"${secret}"}`,
      `"${secret}"x`,
      `"${secret.repeat(2)}"`,
    ]) {
      const problem = errorOf(decodePrivateKeyFile(file));
      assert.doesNotMatch(JSON.stringify(problem), /12345/);
    }
  });
});

describe('an election of many questions', () => {
  const electionOf = (questions: number): string =>
    encodeElection({
      description: 'd',
      name: 'n',
      publicKey: group.generator,
      questions: Array.from({ length: questions }, (_, at) => ({
        answers: ['a', 'b'],
        min: 0,
        max: 500,
        question: `${at}`,
      })),
      uuid: 'AAAAAAAAAAAAAA',
    });

  it('is read as far as its ballots can be judged in reasonable time', () => {
    assert.equal(decodeElection(electionOf(39)).ok, true);
    const read = decodeElection(electionOf(40));
    assert.equal(read.ok ? 'read' : read.error.kind, 'unsupported');
  });
});
