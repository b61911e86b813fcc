import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { GROUP_ORDER, type Point, group, scalarFromBigInt } from '#src/crypto/group/group.js';
import { decryptPartially } from '#src/belenios/v1/decryption.js';
import { pointText } from '#src/belenios/v1/encoding/elements.js';
import { encodeCertificateKeys, encodeCertificatesAndCoefexps } from '#src/belenios/v1/encoding/trustees.js';
import type {
  EncryptedTally,
  SignedMessage,
  ThresholdParameters,
  Trustee,
  TrusteePublicKey,
} from '#src/belenios/v1/messages.js';
import { judgeDecryptions, openTally } from '#src/belenios/v1/opening.js';
import { challengeOf, proofFor } from '#src/belenios/v1/proofs.js';
import { memberSecrets, signMessage } from '#src/belenios/v1/signed-message.js';
import { generateTrustee, verifyTrustees } from '#src/belenios/v1/trustees.js';
import { errorOf, valueOf } from '../../support/results.ts';

const random = (length: number) => new Uint8Array(randomBytes(length));
const secretNumber = () => BigInt(`0x${Buffer.from(random(40)).toString('hex')}`) % GROUP_ORDER;
const HASH = 'h'.repeat(43);

/** A threshold group made in one place, with what each member would keep secret: `threshold` of `size` can decrypt. */
function makeGroup(size: number, threshold: number, constant: (at: number) => bigint = secretNumber) {
  const members = Array.from({ length: size }, (_, at) => ({
    signing: group.randomScalar(random),
    polynomial: [constant(at), ...Array.from({ length: threshold - 1 }, secretNumber)],
  }));
  const certs = members.map(({ signing }, at) => {
    const context = { group: 'Ed25519', size, threshold, index: at + 1 };
    const keys = { context, verification: group.multiplyBase(signing), encryption: group.generator };
    return signMessage(signing, encodeCertificateKeys(keys), random);
  });
  const publicCoefficients = members.map(({ polynomial }) =>
    polynomial.map((coefficient) => group.multiplyBase(scalarFromBigInt(coefficient))),
  );
  const shares = members.map((_, at) => {
    const index = BigInt(at + 1);
    const values = members.flatMap(({ polynomial }) =>
      polynomial.map((coefficient, power) => coefficient * index ** BigInt(power)),
    );
    return scalarFromBigInt(values.reduce((a, b) => a + b, 0n));
  });
  const signed = (at: number, message: string): SignedMessage => {
    const member = members[at];
    assert.ok(member !== undefined);
    return signMessage(member.signing, message, random);
  };
  const parameters: ThresholdParameters = {
    threshold,
    certs,
    coefexps: publicCoefficients.map((own, at) => signed(at, coefexpsText(own))),
    signatures: publicCoefficients.map(
      (own, at) => signed(at, `certs_sig|${encodeCertificatesAndCoefexps(certs, own)}`).signature,
    ),
    verificationKeys: shares.map((share, at): TrusteePublicKey => {
      const publicKey = group.multiplyBase(share);
      const w = group.randomScalar(random);
      const challenge = challengeOf(
        `pok|Ed25519|${pointText(publicKey)}|${pointText(group.multiplyBase(w))}`,
      );
      const pok = proofFor(w, share, challenge);
      return { pok, publicKey, signature: signed(at, pointText(publicKey)).signature };
    }),
  };
  return { parameters, shares };
}

const coefexpsText = (points: readonly Point[]): string =>
  JSON.stringify({ coefexps: points.map(pointText) });

/** One question with one cell that encrypts m. */
function tallyOf(publicKey: Point, m: bigint): EncryptedTally {
  const r = group.randomScalar(random);
  const beta = group.add(group.multiply(r, publicKey), group.multiplyBase(scalarFromBigInt(m)));
  return [[{ alpha: group.multiplyBase(r), beta }]];
}

describe('threshold groups', () => {
  it('decrypt with any members that are enough, together with every single trustee, and with no fewer', () => {
    const groupAndMembers = fc.integer({ min: 1, max: 4 }).chain((size) =>
      fc.record({
        size: fc.constant(size),
        threshold: fc.integer({ min: 1, max: size }),
        present: fc.subarray(
          Array.from({ length: size }, (_, at) => at),
          { minLength: 0 },
        ),
        votes: fc.bigInt({ min: 0n, max: 500n }),
      }),
    );
    fc.assert(
      fc.property(groupAndMembers, ({ size, threshold, present, votes }) => {
        const { parameters, shares } = makeGroup(size, threshold);
        const single = generateTrustee(random);
        const trustees: Trustee[] = [
          { kind: 'Pedersen', parameters },
          { kind: 'Single', key: single.publicKey },
        ];
        const { publicKey, keys } = valueOf(verifyTrustees(trustees));
        const tally = tallyOf(publicKey, votes);
        const secrets = [...shares, single.secret];
        const decryptions = [...present, size].map((at) => ({
          owner: at + 1,
          decryption: decryptPartially(HASH, secrets[at] ?? group.zero, tally, random),
        }));
        const { factors, ignored } = judgeDecryptions(HASH, keys, tally, decryptions);
        assert.deepEqual(ignored, []);
        const opened = openTally(trustees, tally, factors, 500n);
        if (present.length >= threshold) assert.deepEqual(valueOf(opened), [[votes]]);
        else assert.match(errorOf(opened), /decrypted and .* needed/);
      }),
      { numRuns: 12 },
    );
  });

  const { parameters, shares } = makeGroup(3, 2);
  const trustees: Trustee[] = [{ kind: 'Pedersen', parameters }];
  const { publicKey, keys } = valueOf(verifyTrustees(trustees));

  it('are refused with anything of them changed', () => {
    const second = makeGroup(3, 2).parameters;
    const wider = makeGroup(4, 2).parameters;
    const bad: ThresholdParameters[] = [
      { ...parameters, threshold: 1 },
      { ...parameters, threshold: 3 },
      { ...parameters, threshold: 0 },
      { ...parameters, certs: parameters.certs.toReversed() },
      { ...parameters, certs: second.certs },
      { ...parameters, certs: wider.certs.slice(0, 3) },
      { ...parameters, coefexps: second.coefexps },
      { ...parameters, coefexps: parameters.coefexps.toReversed() },
      { ...parameters, signatures: second.signatures },
      { ...parameters, signatures: parameters.signatures.slice(1) },
      { ...parameters, verificationKeys: second.verificationKeys },
      { ...parameters, verificationKeys: parameters.verificationKeys.toReversed() },
      {
        ...parameters,
        verificationKeys: parameters.verificationKeys.map((key, at) => ({
          ...key,
          pok: second.verificationKeys[at]?.pok ?? key.pok,
        })),
      },
      {
        ...parameters,
        verificationKeys: parameters.verificationKeys.map((key, at) => {
          const signature = second.verificationKeys[at]?.signature;
          return signature === undefined ? key : { ...key, signature };
        }),
      },
    ];
    for (const [index, changed] of bad.entries())
      assert.ok(!verifyTrustees([{ kind: 'Pedersen', parameters: changed }]).ok, `change ${index}`);
  });

  it('of several decryptions use valid ones, and say what is wrong with the others', () => {
    const tally = tallyOf(publicKey, 7n);
    const by = (owner: number, share = shares[owner - 1] ?? group.zero) => ({
      owner,
      decryption: decryptPartially(HASH, share, tally, random),
    });
    const wrong = by(1, group.one);
    const { factors, ignored } = judgeDecryptions(HASH, keys, tally, [by(1), wrong, by(3), by(4), by(0)]);
    assert.deepEqual([...factors.keys()], [1, 3]);
    assert.deepEqual(
      ignored.map(({ owner }) => owner),
      [1, 4, 0],
    );
    assert.deepEqual(valueOf(openTally(trustees, tally, factors, 10n)), [[7n]]);
    assert.match(errorOf(openTally(trustees, tally, factors, 6n)), /holds no sum up to 6/);
    assert.match(errorOf(openTally(trustees, tally, factors, 10n ** 13n)), /can't be decrypted/);
    const few = judgeDecryptions(HASH, keys, tally, [wrong, by(3)]);
    assert.match(errorOf(openTally(trustees, tally, few.factors, 10n)), /1 have decrypted and 2 are needed/);
  });
});

describe("a member's seed", () => {
  it('is 22 Base58 characters, and is not repeated in a refusal', () => {
    const seed = '123456789ABCDEFGHJKLMN';
    assert.ok(memberSecrets(seed).ok);
    for (const other of [seed.slice(1), `${seed}1`, `${seed.slice(1)}0`, `${seed}\n`])
      assert.ok(!errorOf(memberSecrets(other)).includes(other.trim()));
  });
});

describe('a group whose polynomials add up to a key that everybody knows', () => {
  it('is no trustee, alone or beside another, whose key would be the election’s', () => {
    const { parameters } = makeGroup(3, 2, (at) => (at === 0 ? -7n : at === 1 ? 7n : 0n));
    const trustee: Trustee = { kind: 'Pedersen', parameters };
    const single: Trustee = { kind: 'Single', key: generateTrustee(random).publicKey };
    for (const trustees of [[trustee], [single, trustee]])
      assert.match(errorOf(verifyTrustees(trustees)), /the key of the group is the neutral element/);
  });
});
