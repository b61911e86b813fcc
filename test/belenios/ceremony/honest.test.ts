import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type Point, group, scalarFromBigInt } from '#src/crypto/group/group.js';
import { ceremonyShape } from '#src/belenios/v1/ceremony/certificates.js';
import { CeremonyDesk } from '#src/belenios/v1/ceremony/desk.js';
import { generateSeed } from '#src/belenios/v1/ceremony/seed.js';
import {
  committedValueFor,
  commitments,
  randomPolynomial,
  valueFor,
} from '#src/belenios/v1/ceremony/secret-sharing.js';
import { fifthStep, openShare, thirdStep } from '#src/belenios/v1/ceremony/trustee.js';
import { makeVoutput } from '#src/belenios/v1/ceremony/voutputs.js';
import { decryptPartially } from '#src/belenios/v1/decryption.js';
import { polynomialText, signedMessageText, voutputText } from '#src/belenios/v1/encoding/ceremony.js';
import { encodeTrustees } from '#src/belenios/v1/encoding/trustees.js';
import type { EncryptedTally, ThresholdParameters, Trustee } from '#src/belenios/v1/messages.js';
import { judgeDecryptions, openTally } from '#src/belenios/v1/opening.js';
import { readTrustees } from '#src/belenios/v1/sealed-round.js';
import { memberSecrets } from '#src/belenios/v1/signed-message.js';
import { generateTrustee, trusteePublicKey } from '#src/belenios/v1/trustees.js';
import { errorOf, valueOf } from '../../support/results.js';
import {
  certified,
  choosing,
  completed,
  nth,
  random,
  repeatable,
  seatsOf,
  shapeOf,
  vinputOf,
} from './ceremony.js';

const HASH = 'h'.repeat(43);

/** One question with one cell that encrypts m. */
function tallyOf(publicKey: Point, m: bigint): EncryptedTally {
  const r = group.randomScalar(random);
  const beta = group.add(group.multiply(r, publicKey), group.multiplyBase(scalarFromBigInt(m)));
  return [[{ alpha: group.multiplyBase(r), beta }]];
}

/** Lets these members of a finished ceremony, and a single trustee beside them, decrypt a new tally of `votes`. */
function decrypt(ceremony: ReturnType<typeof completed>, present: readonly number[], votes: bigint) {
  const single = generateTrustee(random);
  const trustees: Trustee[] = [{ kind: 'Single', key: single.publicKey }, ceremony.trustee];
  const { publicKey, keys } = valueOf(readTrustees(encodeTrustees(trustees)));
  const tally = tallyOf(publicKey, votes);
  const shares = present.map((index) => {
    const seat = nth(ceremony.seats, index);
    const share = valueOf(
      openShare(seat.secrets, nth(ceremony.encryptedShares, index), nth(keys, index + 1)),
    );
    return { owner: index + 1, share };
  });
  const decryptions = [{ owner: 1, share: single.secret }, ...shares].map(({ owner, share }) => ({
    owner,
    decryption: decryptPartially(HASH, share, tally, random),
  }));
  const { factors, ignored } = judgeDecryptions(HASH, keys, tally, decryptions);
  assert.deepEqual(ignored, []);
  return openTally(trustees, tally, factors, 500n);
}

describe('an honest ceremony', () => {
  it('makes trustees of which any that are enough decrypt, and one less do not', () => {
    const cases = fc.integer({ min: 1, max: 6 }).chain((size) =>
      fc.integer({ min: 1, max: size }).chain((threshold) =>
        fc.record({
          size: fc.constant(size),
          threshold: fc.constant(threshold),
          present: fc.shuffledSubarray(
            Array.from({ length: size }, (_, at) => at + 1),
            { minLength: threshold, maxLength: threshold },
          ),
          votes: fc.bigInt({ min: 0n, max: 500n }),
        }),
      ),
    );
    fc.assert(
      fc.property(cases, ({ size, threshold, present, votes }) => {
        const ceremony = completed(shapeOf(threshold, size));
        assert.deepEqual(valueOf(decrypt(ceremony, present, votes)), [[votes]]);
        assert.match(errorOf(decrypt(ceremony, present.slice(1), votes)), /decrypted and .* needed/);
      }),
      { numRuns: 12 },
    );
  });

  it('works for the most trustees that there can be', () => {
    const ceremony = completed(shapeOf(20, 20));
    const all = Array.from({ length: 20 }, (_, at) => at + 1);
    assert.deepEqual(valueOf(decrypt(ceremony, all, 3n)), [[3n]]);
  });

  it('is a function of seeds, randomness and messages: each step can be done again after a restart', () => {
    const shape = shapeOf(2, 3);
    const run = () => {
      const { seats, desk, certificates } = certified(
        shape,
        seatsOf(shape, repeatable('seeds')),
        repeatable('1'),
      );
      const polynomials = seats.map((seat) =>
        valueOf(thirdStep(seat, certificates, repeatable(`3 ${seat.index}`))),
      );
      for (const [at, text] of polynomials.entries()) valueOf(desk.takePolynomial(at + 1, text));
      const voutputs = seats.map((seat) =>
        valueOf(fifthStep(seat, certificates, vinputOf(desk, seat.index), repeatable(`5 ${seat.index}`))),
      );
      return { certificates, polynomials, voutputs };
    };
    assert.deepEqual(run(), run());
  });

  it('goes on at a desk that was made anew from the messages, in which every message may come twice', () => {
    const { shape, certificates, polynomials, vinputs, voutputs, trustee } = completed(shapeOf(2, 3));
    const desk = new CeremonyDesk(shape);
    const twice = (messages: readonly string[], take: (index: number, text: string) => unknown) => {
      for (const round of [1, 2])
        for (const [at, text] of messages.entries())
          assert.deepEqual(take(at + 1, text), { ok: true, value: undefined }, `time ${round}`);
    };
    assert.equal(desk.certificates, undefined);
    twice(certificates, (index, text) => desk.takeCertificate(index, text));
    assert.equal(desk.vinput(1), undefined);
    twice(polynomials, (index, text) => desk.takePolynomial(index, text));
    assert.deepEqual(
      [1, 2, 3].map((index) => desk.vinput(index)),
      vinputs,
    );
    assert.equal(desk.trustee, undefined);
    assert.equal(desk.encryptedShares, undefined);
    twice(voutputs, (index, text) => desk.takeVoutput(index, text));
    assert.deepEqual(desk.trustee, trustee);
    assert.equal(desk.ended, undefined);
  });

  it('lets a trustee say what it goes by', () => {
    const { seats, certificates, vinputs, desk } = completed(shapeOf(1, 1));
    const voutput = valueOf(fifthStep(nth(seats, 1), certificates, nth(vinputs, 1), random, 'Ada'));
    assert.equal(valueOf(voutputText.decode(voutput)).publicKey.name, 'Ada');
    assert.equal(desk.takeVoutput(1, voutput).ok, false);
  });

  it('has 1 to 20 trustees, of whom 1 to all are needed', () => {
    for (const [threshold, size] of [
      [0, 1],
      [2, 1],
      [1, 0],
      [1, 21],
      [1.5, 2],
      [1, 2.5],
      [NaN, 3],
    ] as const)
      assert.ok(!ceremonyShape(threshold, size).ok, `${threshold} of ${size}`);
    for (const index of [0, 3, 1.5])
      assert.throws(() => new CeremonyDesk(shapeOf(1, 2)).takeCertificate(index, ''), RangeError);
  });
});

describe('trustees of which two have one key', () => {
  const read = (...trustees: readonly Trustee[]) => readTrustees(encodeTrustees(trustees));

  it('are refused, unless they are members of a group of which one is enough', () => {
    const { trustee, encryptedShares, seats } = completed(shapeOf(1, 3));
    const { keys } = valueOf(read(trustee));
    assert.equal(new Set(keys.map(String)).size, 1);
    const share = valueOf(openShare(nth(seats, 1).secrets, nth(encryptedShares, 1), nth(keys, 1)));
    const single: Trustee = { kind: 'Single', key: trusteePublicKey(share, random) };
    assert.match(errorOf(read(trustee, single)), /trustees 3 and 4 have the same key/);
    assert.match(errorOf(read(single, trustee)), /trustees 1 and 2 have the same key/);
    assert.match(errorOf(read(single, single)), /trustees 1 and 2 have the same key/);
    assert.match(errorOf(read(trustee, trustee)), /trustees 3 and 4 have the same key/);
  });

  it('are refused in a group of which two are needed', () => {
    // Together the polynomial is 8 − 5x + x², which is 2 for trustees 2 and 3: no desk would take it, but two who do without one can.
    const shape = shapeOf(3, 3);
    const { seats, certificates } = certified(shape);
    const chosen = [
      [5, -4, 1],
      [2, -1, 0],
      [1, 0, 0],
    ].map((one) => one.map((c) => scalarFromBigInt(BigInt(c))));
    const messages = seats.map((seat, at) =>
      valueOf(
        polynomialText.decode(valueOf(thirdStep(seat, certificates, choosing(...nth(chosen, at + 1))))),
      ),
    );
    const keys = seats.map(({ secrets, index }) => {
      const share = group.sumScalars(chosen.map((polynomial) => valueFor(index, polynomial)));
      return valueOf(voutputText.decode(makeVoutput(secrets, share, random))).publicKey;
    });
    const parameters: ThresholdParameters = {
      threshold: 3,
      certs: certificates.map((text) => valueOf(signedMessageText.decode(text))),
      coefexps: messages.map(({ coefexps }) => coefexps),
      signatures: messages.map(({ signature }) => signature),
      verificationKeys: keys,
    };
    assert.match(errorOf(read({ kind: 'Pedersen', parameters })), /trustees 2 and 3 have the same key/);
  });
});

describe('seeds', () => {
  it('are 22 Base58 characters, each as likely as any other', () => {
    const counts = new Map<string, number>();
    for (let i = 0; i < 2000; i++) {
      const seed = generateSeed(random);
      assert.ok(memberSecrets(seed).ok);
      for (const symbol of seed) counts.set(symbol, (counts.get(symbol) ?? 0) + 1);
    }
    assert.equal(counts.size, 58);
    const expected = (2000 * 22) / 58;
    // Six standard deviations: a fair generator fails once in millions of runs.
    for (const [symbol, count] of counts)
      assert.ok(Math.abs(count - expected) < 6 * Math.sqrt(expected), `${symbol}: ${count}`);
  });

  it('use no byte that would favour some characters', () => {
    const bytes = [255, 232, 0, 57, 58, 231];
    let at = 0;
    const seed = generateSeed((length) => Uint8Array.from({ length }, () => bytes[at++ % bytes.length] ?? 0));
    assert.equal(seed, '1z1z1z1z1z1z1z1z1z1z1z');
  });
});

describe('a shared polynomial', () => {
  it('has the value that its commitments say, for every trustee', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 20 }), (threshold, index) => {
        const polynomial = randomPolynomial(threshold, random);
        const value = valueFor(index, polynomial);
        assert.deepEqual(group.multiplyBase(value), committedValueFor(index, commitments(polynomial)));
      }),
      { numRuns: 30 },
    );
    const [one, two, seven] = [1n, 2n, 7n].map(scalarFromBigInt);
    assert.ok(one !== undefined && two !== undefined && seven !== undefined);
    assert.deepEqual(valueFor(3, [seven, two, one]), scalarFromBigInt(7n + 2n * 3n + 9n));
  });
});
