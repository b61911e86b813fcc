import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { concatBytes, utf8ToBytes } from '#src/base/bytes.js';
import { encodeDagCbor } from '#src/base/dag-cbor.js';
import { cidFromDigest } from '#src/crypto/cid.js';
import { publicKeyOf, verify } from '#src/crypto/signature.js';
import {
  decodeEnrolment,
  encodeEnrolment,
  enrolmentProblems,
  equalEnrolments,
  signEnrolment,
} from '#src/election/enrolment.js';

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const election = bytes(32).map(cidFromDigest);
const enrolments = fc.record({
  election,
  voter: bytes(32),
  key: bytes(32),
  voterSignature: bytes(64),
  keySignature: bytes(64),
});
const [OLD, NEW, OTHER] = [1, 2, 3].map((byte) => new Uint8Array(32).fill(byte)) as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
];
const HERE = cidFromDigest(new Uint8Array(32).fill(7));

describe('an enrolment as it travels', () => {
  it('is read back as it was written', () => {
    fc.assert(
      fc.property(enrolments, (enrolment) => {
        const read = decodeEnrolment(encodeEnrolment(enrolment));
        assert.ok(read.ok);
        assert.ok(equalEnrolments(read.value, enrolment));
        assert.ok(read.value.election.equals(enrolment.election));
      }),
    );
  });

  it('has one form: no other bytes are read as one', () => {
    fc.assert(
      fc.property(enrolments, fc.nat(), fc.integer({ min: 1, max: 255 }), (enrolment, at, change) => {
        const altered = encodeEnrolment(enrolment);
        const place = at % altered.length;
        altered[place] = (altered[place] as number) ^ change;
        const read = decodeEnrolment(altered);
        if (read.ok) assert.deepEqual(encodeEnrolment(read.value), altered);
      }),
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), (noise) => !decodeEnrolment(noise).ok));
    const { voter, key, voterSignature, keySignature } = signEnrolment(HERE, OLD, NEW);
    const fields = { election: HERE, voter, key, voterSignature, keySignature };
    assert.ok(decodeEnrolment(encodeDagCbor(fields)).ok);
    for (const broken of [
      { ...fields, more: 1 },
      { ...fields, key: key.subarray(1) },
      { voter, key, voterSignature, keySignature },
    ])
      assert.ok(!decodeEnrolment(encodeDagCbor(broken)).ok);
  });
});

describe('an enrolment', () => {
  it('is signed by both keys over tag, election and keys, and the same each time', () => {
    const enrolment = signEnrolment(HERE, OLD, NEW);
    const message = concatBytes(
      utf8ToBytes('psephos/enrolment/v1\0'),
      HERE.bytes,
      publicKeyOf(OLD),
      publicKeyOf(NEW),
    );
    assert.ok(verify(enrolment.voterSignature, message, publicKeyOf(OLD)));
    assert.ok(verify(enrolment.keySignature, message, publicKeyOf(NEW)));
    assert.deepEqual(enrolmentProblems(HERE.bytes, enrolment), []);
    assert.deepEqual(encodeEnrolment(signEnrolment(HERE, OLD, NEW)), encodeEnrolment(enrolment));
  });

  it('is not sound where anything in it is another’s', () => {
    const enrolment = signEnrolment(HERE, OLD, NEW);
    const other = signEnrolment(HERE, OTHER, NEW);
    const elsewhere = cidFromDigest(new Uint8Array(32).fill(8));
    const found = (change: Partial<typeof enrolment>, genesis = HERE) =>
      enrolmentProblems(genesis.bytes, { ...enrolment, ...change }).join('; ');
    assert.match(found({}, elsewhere), /by the key on the roll is not valid; .*by the new key is not valid/);
    assert.match(found({ voterSignature: other.voterSignature }), /by the key on the roll is not valid$/);
    assert.match(found({ keySignature: other.keySignature }), /^the signature by the new key is not valid$/);
    assert.match(found({ voter: other.voter }), /by the key on the roll is not valid/);
    assert.match(found({ key: publicKeyOf(OTHER) }), /by the new key is not valid/);
    assert.match(found({ key: new Uint8Array(32) }), /not an acceptable Ed25519 key/);
    assert.match(found(signEnrolment(HERE, OLD, OLD)), /the new key is the old one/);
  });
});
