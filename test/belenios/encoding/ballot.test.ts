import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  decodeBallot,
  encodeBallot,
  encodeUnsignedBallot,
  hashToSign,
  unsignedTextOf,
} from '#src/belenios/v1/encoding/ballot.js';
import { ballotTracker, electionHash } from '#src/belenios/v1/encoding/hashes.js';
import { BALLOT_LIMITS } from '#src/belenios/v1/encoding/limits.js';
import { errorOf, valueOf } from '../../support/results.js';
import { ELECTIONS, expectedOf, textsOf } from '../fixtures.js';

const [[text = ''] = []] = await textsOf('h-blank/open.bel', 'Ballot');
const refusal = (source: string) => {
  const { path, message } = errorOf(decodeBallot(source));
  return `${path}: ${message}`;
};

describe('the text of a ballot', () => {
  for (const name of ELECTIONS) {
    it(`is read and written again in ${name}`, async () => {
      const [[election = ''] = []] = await textsOf(`${name}/tallied.bel`, 'Setup');
      for (const [ballotText = ''] of await textsOf(`${name}/tallied.bel`, 'Ballot')) {
        const ballot = valueOf(decodeBallot(ballotText));
        assert.equal(encodeBallot(ballot), ballotText);
        assert.equal(encodeUnsignedBallot(ballot), unsignedTextOf(ballotText));
        assert.equal(ballot.signature.hash, hashToSign(ballotText));
        assert.equal(ballot.electionHash, electionHash(election));
      }
    });
  }

  it('has the tracker that Belenios shows', async () => {
    const { ballotSummary } = expectedOf('h-blank') as { ballotSummary: { hash: string }[] };
    const trackers = (await textsOf('h-blank/tallied.bel', 'Ballot')).map(([ballot = '']) =>
      ballotTracker(ballot),
    );
    // The summary lists the latest first.
    assert.deepEqual(
      trackers.toReversed(),
      ballotSummary.map(({ hash }) => Buffer.from(hash, 'hex').toString('base64').replace('=', '')),
    );
  });

  it('is refused, or means another ballot, when any character is changed', () => {
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.string({ minLength: 1, maxLength: 1 }), (at, character) => {
        fc.pre(text[at] !== character);
        const changed = text.slice(0, at) + character + text.slice(at + 1);
        const read = decodeBallot(changed);
        if (read.ok) assert.equal(encodeBallot(read.value), changed);
      }),
      { numRuns: 2000 },
    );
  });

  it('is refused when a character is left out or put in', () => {
    fc.assert(
      fc.property(
        fc.nat(text.length - 1),
        fc.constantFrom('', ' ', '0', '+', '\n', '\\', '"'),
        (at, added) => {
          const changed = text.slice(0, at) + added + text.slice(added === '' ? at + 1 : at);
          const read = decodeBallot(changed);
          // A digit more or less can make another number, which then has its own text.
          if (read.ok) assert.equal(encodeBallot(read.value), changed);
          if (read.ok) assert.notEqual(changed, text);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('has nothing before or after it', () => {
    for (const source of [` ${text}`, `${text} `, `${text}\n`, `\ufeff${text}`, text + text, `${text}\0`]) {
      assert.match(refusal(source), /not JSON|canonical/);
    }
  });

  it('has its fields in order, each once, and no others', () => {
    const proof = /"challenge":("\d+"),"response":("\d+")/;
    assert.match(
      refusal(text.replace(proof, '"response":$2,"challenge":$1')),
      /^answers\[0\]\.individual_proofs\[0\]\[0\]: the field "response" is not where/,
    );
    assert.match(refusal(text.replace(proof, '"challenge":$1,"challenge":$1,"response":$2')), /twice/);
    assert.match(refusal(text.replace(proof, '"challenge":$1')), /the field "response" is missing/);
    assert.match(refusal(text.replace(proof, '$&,"more":1')), /unknown field "more"/);
    assert.match(
      refusal(text.replace('{"election_uuid"', '{"__proto__":{},"election_uuid"')),
      /unknown field/,
    );
    assert.match(refusal(text.replace(/"signature":.*/, '"signature":null}')), /^signature: null, expected/);
  });

  it('has one spelling of each number', () => {
    const [, digits = ''] = /"challenge":"(\d+)"/.exec(text) ?? [];
    const order = 2n ** 252n + 27742317777372353535851937790883648493n;
    for (const spelling of [
      `"+${digits}"`,
      `"0${digits}"`,
      `"-${digits}"`,
      `"0x${BigInt(digits).toString(16)}"`,
      `"${digits}.0"`,
      `"${digits}e0"`,
      `" ${digits}"`,
      `"${BigInt(digits) + order}"`,
      `"${order}"`,
      '""',
      digits,
    ]) {
      assert.match(refusal(text.replace(`"${digits}"`, spelling)), /challenge: /, spelling);
    }
    assert.ok(decodeBallot(text.replace(`"${digits}"`, `"${order - 1n}"`)).ok);
    assert.ok(decodeBallot(text.replace(`"${digits}"`, '"0"')).ok);
  });

  it('has one spelling of each point, which is in the group', () => {
    const [, alpha = ''] = /"alpha":"([0-9a-f]+)"/.exec(text) ?? [];
    const with_ = (point: string): string => text.replace(alpha, point);
    const neutral = '1'.padStart(64, '0');
    assert.ok(decodeBallot(with_(neutral)).ok);
    for (const point of [
      alpha.toUpperCase(),
      alpha.slice(1),
      `0${alpha}`,
      `${alpha.slice(0, 63)}g`,
      '0'.repeat(64),
      // y = -1: of order 2. y = p + 1 and y = 1 with a sign: the neutral element in other spellings.
      `7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffec`,
      `7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffee`,
      `8${neutral.slice(1)}`,
    ]) {
      assert.match(refusal(with_(point)), /^answers\[0\]\.choices\[0\]\.alpha: /, point);
    }
  });

  it('is of bounded length, in lists of bounded length, however deep', () => {
    assert.match(
      errorOf(decodeBallot(text, { ...BALLOT_LIMITS, maxLength: 100 })).message,
      /more than the 100 allowed/,
    );
    assert.match(
      errorOf(decodeBallot(text, { ...BALLOT_LIMITS, maxItems: 3 })).message,
      /items, more than the 3 allowed/,
    );
    const deep = '['.repeat(500_000) + ']'.repeat(500_000);
    assert.match(refusal(deep), /a list, expected an object/);
    assert.match(
      refusal(text.replace(/"choices":\[/, `"choices":[${deep},`)),
      /^answers\[0\]\.choices\[0\]: a list/,
    );
    assert.match(refusal('['.repeat(1_000_000)), /not JSON/);
  });
});
