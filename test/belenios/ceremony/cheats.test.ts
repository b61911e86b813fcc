import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Point, group } from '#src/crypto/group/group.js';
import { send } from '#src/belenios/v1/ceremony/channel.js';
import { type Shape, checkCertificates } from '#src/belenios/v1/ceremony/certificates.js';
import { CeremonyDesk } from '#src/belenios/v1/ceremony/desk.js';
import { encryptText } from '#src/belenios/v1/ceremony/encrypted-message.js';
import { complain } from '#src/belenios/v1/ceremony/complaint.js';
import { generateSeed } from '#src/belenios/v1/ceremony/seed.js';
import { type Seat, fifthStep, firstStep, openShare, thirdStep } from '#src/belenios/v1/ceremony/trustee.js';
import { makeVoutput } from '#src/belenios/v1/ceremony/voutputs.js';
import {
  channelSignedText,
  channelText,
  polynomialText,
  secretText,
  shareText,
  signedMessageText,
  vinputText,
  voutputText,
} from '#src/belenios/v1/encoding/ceremony.js';
import {
  decodeCoefexps,
  encodeCertificateKeys,
  encodeCertificatesAndCoefexps,
  encodeCoefexps,
} from '#src/belenios/v1/encoding/trustees.js';
import { signMessage } from '#src/belenios/v1/signed-message.js';
import { generateTrustee } from '#src/belenios/v1/trustees.js';
import { errorOf, valueOf } from '../../support/results.js';
import { TORSION } from '../../support/made-signatures.js';
import {
  assertFault,
  certified,
  choosing,
  completed,
  dealt,
  encryptionKey,
  nth,
  number,
  polynomialWith,
  random,
  replaced,
  seatOf,
  seatsOf,
  shapeOf,
  vinputOf,
  vinputWith,
} from './ceremony.js';

const SHAPE = shapeOf(2, 3);

/** A certificate that says what a cheater wants it to say. */
function certificateWith(
  { secrets, shape, index }: Seat,
  changes: { context?: object; verification?: Point; encryption?: Point },
): string {
  const message = encodeCertificateKeys({
    context: { group: 'Ed25519', ...shape, index, ...changes.context },
    verification: changes.verification ?? group.multiplyBase(secrets.signing),
    encryption: changes.encryption ?? group.multiplyBase(secrets.decryption),
  });
  return signedMessageText.encode(signMessage(secrets.signing, message, random));
}

describe('a certificate', () => {
  const seats = seatsOf(SHAPE);
  const [first, second] = [nth(seats, 1), nth(seats, 2)];
  const deskWith = (index: number, text: string) => {
    const desk = new CeremonyDesk(SHAPE);
    valueOf(desk.takeCertificate(index, text));
    return desk;
  };
  const take = (index: number, text: string) => new CeremonyDesk(SHAPE).takeCertificate(index, text);

  it('for another ceremony names its trustee', () => {
    const cases = [
      ['wrong-group', { group: 'BELENIOS-2048' }],
      ['wrong-size', { size: 4 }],
      ['wrong-threshold', { threshold: 3 }],
      ['wrong-place', { index: 2 }],
    ] as const;
    for (const [offence, context] of cases) {
      const text = certificateWith(first, { context });
      const fault = assertFault(take(1, text), offence, [1], 'delivery');
      assert.deepEqual(fault.evidence, [text]);
    }
  });

  it('that is badly signed, has a neutral key or is none names its trustee', () => {
    const other = group.multiplyBase(number(7));
    assertFault(take(1, certificateWith(first, { verification: other })), 'bad-signature', [1], 'delivery');
    const signed = valueOf(signedMessageText.decode(firstStep(first, random)));
    const torn = { ...signed, message: signed.message.replace('"index":1', '"index": 1') };
    assertFault(take(1, signedMessageText.encode(torn)), 'bad-signature', [1], 'delivery');
    const neutral = { ...first, secrets: { ...first.secrets, signing: group.zero } };
    assertFault(take(1, certificateWith(neutral, {})), 'neutral-key', [1], 'delivery');
    assertFault(
      take(1, certificateWith(first, { encryption: group.identity })),
      'neutral-key',
      [1],
      'delivery',
    );
    for (const text of ['', '{}', 'null', '"', '['.repeat(100_000), '{"message":"{}","signature":1}'])
      assertFault(take(1, text), 'malformed', [1], 'delivery');
    const outside = `${'0'.repeat(63)}2`;
    const message = signed.message.replace(/"encryption":"[0-9a-f]{64}"/, `"encryption":"${outside}"`);
    const text = signedMessageText.encode(signMessage(first.secrets.signing, message, random));
    assertFault(take(1, text), 'malformed', [1], 'delivery');
  });

  it('with a key that another trustee has names both', () => {
    const certificate = firstStep(first, random);
    const sameSeed = firstStep({ ...first, index: 2 }, random);
    const fault = assertFault(
      deskWith(1, certificate).takeCertificate(2, sameSeed),
      'same-key',
      [1, 2],
      'delivery',
    );
    assert.deepEqual(fault.evidence, [certificate, sameSeed]);
    for (const encryption of [encryptionKey(first), group.multiplyBase(first.secrets.signing)]) {
      const copied = certificateWith(second, { encryption });
      assertFault(deskWith(1, certificate).takeCertificate(2, copied), 'same-key', [1, 2], 'delivery');
    }
    const own = certificateWith(first, { encryption: group.multiplyBase(first.secrets.signing) });
    assertFault(take(1, own), 'same-key', [1], 'delivery');
  });

  it("that is another trustee's, word for word, names who sent it", () => {
    const certificate = firstStep(first, random);
    assertFault(deskWith(1, certificate).takeCertificate(2, certificate), 'wrong-place', [2], 'delivery');
  });

  it('is one for each trustee', () => {
    const [one, other] = [firstStep(first, random), firstStep(first, random)];
    const fault = assertFault(deskWith(1, one).takeCertificate(1, other), 'second-message', [1], 'delivery');
    assert.deepEqual(fault.evidence, [one, other]);
  });

  it('that was refused leaves its place free', () => {
    const desk = new CeremonyDesk(SHAPE);
    assert.ok(!desk.takeCertificate(1, '{}').ok);
    valueOf(desk.takeCertificate(1, firstStep(first, random)));
  });

  it('is checked by every trustee as well, with its own place', () => {
    const { certificates } = certified(SHAPE, seats);
    const third = (texts: readonly string[]) => thirdStep(first, texts, random);
    assert.ok(third(certificates).ok);
    const stranger = seatOf(SHAPE, 1, generateSeed(random));
    assertFault(third(replaced(certificates, 1, firstStep(stranger, random))), 'wrong-place', [], 'delivery');
    const halfOwn = certificateWith(first, { encryption: group.multiplyBase(number(9)) });
    assertFault(third(replaced(certificates, 1, halfOwn)), 'wrong-place', [], 'delivery');
    assertFault(third(certificates.slice(1)), 'wrong-count', [], 'delivery');
    assertFault(third(certificates.toReversed()), 'wrong-place', [1], 'delivery');
    const copied = certificateWith(nth(seats, 3), { encryption: encryptionKey(second) });
    assertFault(third(replaced(certificates, 3, copied)), 'same-key', [2, 3], 'delivery');
    const wider = certificateWith(second, { context: { threshold: 1 } });
    assertFault(third(replaced(certificates, 2, wider)), 'wrong-threshold', [2], 'delivery');
    assert.ok(checkCertificates(SHAPE, certificates).ok);
  });
});

describe('a polynomial message', () => {
  const { seats, certificates } = certified(SHAPE);
  const honest = valueOf(thirdStep(nth(seats, 2), certificates, random));
  const { signing } = nth(seats, 2).secrets;
  const take = (text: string, index = 2) => {
    const desk = new CeremonyDesk(SHAPE);
    for (const [at, certificate] of certificates.entries())
      valueOf(desk.takeCertificate(at + 1, certificate));
    return desk.takePolynomial(index, text);
  };

  it('is taken when it is honest', () => {
    assert.ok(take(honest).ok);
  });

  it('before all certificates are here is refused', () => {
    const desk = new CeremonyDesk(SHAPE);
    valueOf(desk.takeCertificate(2, nth(certificates, 2)));
    assertFault(desk.takePolynomial(2, honest), 'out-of-order', [2], 'delivery');
  });

  it('with too few or too many coefexps convicts its trustee', () => {
    for (const count of [0, 1, 3]) {
      const points = Array.from({ length: count }, (_, at) => group.multiplyBase(number(at + 1)));
      const coefexps = signMessage(signing, encodeCoefexps(points), random);
      const fault = assertFault(take(polynomialWith(honest, { coefexps })), 'wrong-count', [2], 'signature');
      assert.deepEqual(fault.evidence, [signedMessageText.encode(coefexps)]);
    }
  });

  it('with coefexps that are badly signed names its trustee', () => {
    const { coefexps } = valueOf(polynomialText.decode(honest));
    const stranger = signMessage(group.randomScalar(random), coefexps.message, random);
    assertFault(take(polynomialWith(honest, { coefexps: stranger })), 'bad-signature', [2], 'delivery');
    const changed = { ...coefexps, message: `${coefexps.message} ` };
    assertFault(take(polynomialWith(honest, { coefexps: changed })), 'bad-signature', [2], 'delivery');
  });

  it('with signed coefexps outside the group convicts its trustee', () => {
    const { message } = valueOf(polynomialText.decode(honest)).coefexps;
    const [torsion] = TORSION.slice(1);
    assert.ok(torsion !== undefined);
    for (const point of [torsion.toHex(), `${'0'.repeat(63)}2`, 'f'.repeat(64), 'x']) {
      const coefexps = signMessage(signing, message.replace(/[0-9a-f]{64}/, point), random);
      assertFault(take(polynomialWith(honest, { coefexps })), 'bad-coefexps', [2], 'signature');
    }
  });

  it('of a ceremony with other certificates, or replayed for another trustee, is refused', () => {
    const newcomer = firstStep(seatOf(SHAPE, 3, generateSeed(random)), random);
    const elsewhere = valueOf(thirdStep(nth(seats, 2), replaced(certificates, 3, newcomer), random));
    assertFault(take(elsewhere), 'other-certificates', [2], 'delivery');
    assertFault(take(honest, 1), 'bad-signature', [1], 'delivery');
    const { signature } = valueOf(
      polynomialText.decode(valueOf(thirdStep(nth(seats, 2), certificates, random))),
    );
    assertFault(take(polynomialWith(honest, { signature })), 'other-certificates', [2], 'delivery');
  });

  it('with a secret missing, too many, or not encrypted names its trustee', () => {
    const { secrets } = valueOf(polynomialText.decode(honest));
    const refused = (change: object, offence: 'wrong-count' | 'not-encrypted') =>
      assertFault(take(polynomialWith(honest, change)), offence, [2], 'delivery');
    refused({ secrets: secrets.slice(1) }, 'wrong-count');
    refused({ secrets: [...secrets, nth(secrets, 1)] }, 'wrong-count');
    const encrypted = nth(secrets, 3);
    for (const broken of [
      '',
      '{}',
      encrypted.replace('"data":"', '"data":"0'),
      encrypted.replace('"alpha":"', '"alpha":"0'),
      encrypted.replace('{', '{"algorithm":"ROT13",'),
    ]) {
      refused({ secrets: replaced(secrets, 3, broken) }, 'not-encrypted');
      refused({ polynomial: broken }, 'not-encrypted');
    }
    for (const text of ['', '{}', honest.replace('{', '{"more":1,'), ` ${honest}`])
      assertFault(take(text), 'malformed', [2], 'delivery');
  });

  it('is one for each trustee: another with other coefexps convicts it', () => {
    const own = dealt(SHAPE);
    const second = valueOf(thirdStep(nth(own.seats, 2), own.certificates, random));
    const fault = assertFault(own.desk.takePolynomial(2, second), 'two-polynomials', [2], 'signature');
    assert.deepEqual(fault.evidence, [nth(own.polynomials, 2), second]);
    const { secrets } = valueOf(polynomialText.decode(nth(own.polynomials, 2)));
    const shuffled = polynomialWith(nth(own.polynomials, 2), { secrets: secrets.toReversed() });
    assertFault(own.desk.takePolynomial(2, shuffled), 'second-message', [2], 'delivery');
  });

  it('that makes the group weaker than its threshold is not gone on with, and accuses nobody', () => {
    const finish = (shape: Shape, polynomials: readonly (readonly number[])[]) => {
      const ceremony = certified(shape);
      for (const [at, chosen] of polynomials.entries()) {
        const seat = nth(ceremony.seats, at + 1);
        const text = valueOf(thirdStep(seat, ceremony.certificates, choosing(...chosen.map(number))));
        valueOf(ceremony.desk.takePolynomial(at + 1, text));
      }
      const faults = errorOf(
        fifthStep(nth(ceremony.seats, 1), ceremony.certificates, vinputOf(ceremony.desk, 1), random),
      );
      assertFault(nth(faults, 1), 'weak-share', [], 'delivery');
      return ceremony.desk;
    };
    // Together 6 − 2x, which is 0 for trustee 3.
    const zero = finish(SHAPE, [
      [1, 2],
      [4, -1],
      [1, -3],
    ]);
    assertFault(zero.takeVoutput(1, ''), 'weak-share', [], 'delivery');
    // Together 8 − 5x + x², which is 2 for trustees 2 and 3.
    const same = finish(shapeOf(3, 3), [
      [5, -4, 1],
      [2, -1, 0],
      [1, 0, 0],
    ]);
    assertFault(same.takeVoutput(1, ''), 'weak-share', [], 'delivery');
    assert.equal(same.trustee, undefined);
  });

  it('that was chosen last, so that the share of another would be zero, convicts who chose it by the secrets', () => {
    const { seats, desk, certificates } = certified(SHAPE);
    const polynomials = seats.map((seat) => valueOf(thirdStep(seat, certificates, random)));
    for (const at of [1, 2]) valueOf(desk.takePolynomial(at, nth(polynomials, at)));
    const coefexps = polynomials.map((text) =>
      valueOf(decodeCoefexps(valueOf(polynomialText.decode(text)).coefexps.message)),
    );
    // Trustee 3 keeps its A₁, and chooses A₀ = −(K₁ + A₁), K₁ being what the others' coefexps give trustee 1.
    const others = group.sum(coefexps.slice(0, 2).flat());
    const [, own = group.identity] = nth(coefexps, 3);
    const chosen = [group.subtract(group.identity, group.add(others, own)), own];
    const { signing } = nth(seats, 3).secrets;
    const certs = certificates.map((text) => valueOf(signedMessageText.decode(text)));
    desk.takePolynomial(
      3,
      polynomialWith(nth(polynomials, 3), {
        coefexps: signMessage(signing, encodeCoefexps(chosen), random),
        signature: signMessage(signing, `certs_sig|${encodeCertificatesAndCoefexps(certs, chosen)}`, random)
          .signature,
      }),
    );
    assert.equal(desk.weak?.offence, 'weak-share');
    for (const at of [1, 2]) {
      const faults = errorOf(fifthStep(nth(seats, at), certificates, vinputOf(desk, at), random));
      assertFault(nth(faults, 1), 'wrong-secret', [3], 'signature');
      const complaint = valueOf(complain(nth(seats, at), certificates, vinputOf(desk, at), 3, random));
      if (at === 2) assert.equal(valueOf(desk.takeComplaint(at, complaint)).upheld, true);
    }
  });
});

/** What trustee 2 may send to trustee 1 instead of what it should. */
const BAD_SECRETS = {
  undecryptable: (from: Seat, _: Seat, other: Seat) =>
    send(from.secrets.signing, encryptionKey(other), secretText.encode(number(5)), random),
  'unsigned-secret': (_: Seat, to: Seat, other: Seat) =>
    send(other.secrets.signing, encryptionKey(to), secretText.encode(number(5)), random),
  'wrong-recipient': (from: Seat, to: Seat, other: Seat) => {
    const content = channelText.encode({
      recipient: encryptionKey(other),
      message: secretText.encode(number(5)),
    });
    const signed = channelSignedText.encode(signMessage(from.secrets.signing, content, random));
    return encryptText(encryptionKey(to), signed, random);
  },
  'wrong-secret': (from: Seat, to: Seat) =>
    send(from.secrets.signing, encryptionKey(to), secretText.encode(number(5)), random),
} as const;

describe('a secret', () => {
  for (const [offence, make] of Object.entries(BAD_SECRETS)) {
    it(`in which something is wrong (${offence}) names its sender to its recipient, and nobody else sees it`, () => {
      const { seats, certificates, vinputs, desk } = dealt(SHAPE, (index, message, at) =>
        index === 2
          ? {
              ...message,
              secrets: replaced(
                message.secrets,
                1,
                make(nth(at.seats, 2), nth(at.seats, 1), nth(at.seats, 3)),
              ),
            }
          : message,
      );
      const step = (index: number) => fifthStep(nth(seats, index), certificates, nth(vinputs, index), random);
      const faults = errorOf(step(1));
      assert.equal(faults.length, 1);
      const fault = assertFault(
        nth(faults, 1),
        offence as keyof typeof BAD_SECRETS,
        [2],
        offence === 'wrong-secret' ? 'signature' : 'delivery',
      );
      assert.equal(fault.evidence.length, 2);
      for (const index of [2, 3]) valueOf(desk.takeVoutput(index, valueOf(step(index))));
      assert.equal(desk.trustee, undefined);
    });
  }

  it('that says no number, or not one below the order, is a wrong one', () => {
    for (const text of ['{}', '{"secret":"-1"}', '{"secret":5}', `{"secret":"${'9'.repeat(76)}"}`]) {
      const { seats, certificates, vinputs } = dealt(SHAPE, (index, message, at) => {
        if (index !== 2) return message;
        const { signing } = nth(at.seats, 2).secrets;
        const sent = send(signing, encryptionKey(nth(at.seats, 1)), text, random);
        return { ...message, secrets: replaced(message.secrets, 1, sent) };
      });
      const faults = errorOf(fifthStep(nth(seats, 1), certificates, nth(vinputs, 1), random));
      assertFault(nth(faults, 1), 'wrong-secret', [2], 'signature');
    }
  });

  it('of each cheater is named, when there are several, and so are secrets that changed places', () => {
    const { seats, certificates, vinputs } = dealt(SHAPE, (index, message) =>
      index === 1 ? message : { ...message, secrets: message.secrets.toReversed() },
    );
    const faults = errorOf(fifthStep(nth(seats, 1), certificates, nth(vinputs, 1), random));
    assert.deepEqual(
      faults.map(({ offence, accused }) => [offence, accused]),
      [
        ['undecryptable', [2]],
        ['undecryptable', [3]],
      ],
    );
  });
});

describe('a vinput', () => {
  const { seats, certificates, vinputs } = dealt(SHAPE);
  const other = dealt(SHAPE);
  const step = (vinput: string, texts: readonly string[] = certificates) => {
    const faults = errorOf(fifthStep(nth(seats, 1), texts, vinput, random));
    assert.equal(faults.length, 1);
    return nth(faults, 1);
  };
  const honest = nth(vinputs, 1);
  const message = valueOf(vinputText.decode(honest));

  it("that is not a vinput, or another trustee's, or another ceremony's, accuses who sent it", () => {
    assertFault(step('{}'), 'malformed', [], 'delivery');
    assertFault(step(nth(vinputs, 2)), 'not-own-polynomial', [], 'delivery');
    assertFault(step(nth(other.vinputs, 1)), 'bad-signature', [], 'delivery');
    assertFault(step(honest, other.certificates), 'wrong-place', [], 'delivery');
    for (const part of ['secrets', 'coefexps', 'signatures'] as const)
      assertFault(
        step(vinputWith(honest, { [part]: message[part].slice(1) })),
        'wrong-count',
        [],
        'delivery',
      );
    assertFault(
      step(vinputWith(honest, { polynomial: nth(message.secrets, 1) })),
      'not-own-polynomial',
      [],
      'delivery',
    );
  });

  it('after certificates other than those that were signed is refused', () => {
    const newcomer = firstStep(seatOf(SHAPE, 3, generateSeed(random)), random);
    assertFault(step(honest, replaced(certificates, 3, newcomer)), 'other-certificates', [], 'delivery');
  });

  it('with a polynomial of its own that its coefexps are not of is refused', () => {
    const again = valueOf(polynomialText.decode(valueOf(thirdStep(nth(seats, 1), certificates, random))));
    const { polynomial } = again;
    assertFault(step(vinputWith(honest, { polynomial })), 'not-own-polynomial', [], 'delivery');
  });

  it("with somebody's coefexps changed names whose", () => {
    const foreign = nth(valueOf(vinputText.decode(nth(other.vinputs, 1))).coefexps, 2);
    assertFault(
      step(vinputWith(honest, { coefexps: replaced(message.coefexps, 2, foreign) })),
      'bad-signature',
      [2],
      'delivery',
    );
    const { signing } = nth(seats, 2).secrets;
    const another = signMessage(signing, encodeCoefexps([group.generator, group.generator]), random);
    assertFault(
      step(vinputWith(honest, { coefexps: replaced(message.coefexps, 2, another) })),
      'other-certificates',
      [2],
      'delivery',
    );
  });
});

describe('a voutput', () => {
  const ceremony = completed(SHAPE);
  const { seats, certificates, polynomials, voutputs } = ceremony;
  const seat = nth(seats, 2);
  const honest = valueOf(voutputText.decode(nth(voutputs, 2)));
  const deskAt = (step: 'polynomials' | 'voutputs') => {
    const desk = new CeremonyDesk(SHAPE);
    for (const [at, text] of certificates.entries()) valueOf(desk.takeCertificate(at + 1, text));
    if (step === 'voutputs')
      for (const [at, text] of polynomials.entries()) valueOf(desk.takePolynomial(at + 1, text));
    return desk;
  };
  const take = (text: string, index = 2) => deskAt('voutputs').takeVoutput(index, text);
  const takeKey = (publicKey: Partial<typeof honest.publicKey>) =>
    take(voutputText.encode({ ...honest, publicKey: { ...honest.publicKey, ...publicKey } }));

  it('before all polynomials are here is refused', () => {
    assertFault(deskAt('polynomials').takeVoutput(2, nth(voutputs, 2)), 'out-of-order', [2], 'delivery');
  });

  it('with another key convicts its trustee if that signed it', () => {
    assertFault(
      take(makeVoutput(seat.secrets, number(5), random)),
      'wrong-verification-key',
      [2],
      'signature',
    );
    assertFault(take(nth(voutputs, 1)), 'wrong-verification-key', [2], 'delivery');
    const stranger = nth(completed(SHAPE).voutputs, 2);
    assertFault(take(stranger), 'wrong-verification-key', [2], 'delivery');
  });

  it('with a key that is not signed by the trustee names it', () => {
    const { pok, publicKey } = honest.publicKey;
    assertFault(
      take(voutputText.encode({ ...honest, publicKey: { pok, publicKey } })),
      'unsigned-key',
      [2],
      'delivery',
    );
    const { signature } = valueOf(voutputText.decode(nth(voutputs, 1))).publicKey;
    assert.ok(signature !== undefined);
    assertFault(takeKey({ signature }), 'unsigned-key', [2], 'delivery');
  });

  it('with a wrong proof of knowing the share names its trustee', () => {
    assertFault(takeKey({ pok: generateTrustee(random).publicKey.pok }), 'wrong-proof', [2], 'delivery');
  });

  it('that is none, or whose share is not encrypted, names its trustee', () => {
    assertFault(take('[]'), 'malformed', [2], 'delivery');
    assertFault(take(voutputText.encode({ ...honest, privateKey: '{}' })), 'not-encrypted', [2], 'delivery');
  });

  it('is one for each trustee', () => {
    const again = valueOf(fifthStep(seat, certificates, nth(ceremony.vinputs, 2), random));
    assertFault(ceremony.desk.takeVoutput(2, again), 'second-message', [2], 'delivery');
  });
});

describe('an encrypted share', () => {
  const { seats, encryptedShares, trustee } = completed(SHAPE);
  const { secrets } = nth(seats, 1);
  const keyOf = (index: number) => nth(trustee.parameters.verificationKeys, index).publicKey;

  it('is opened by its own seed and for its own key alone, and says nothing of itself otherwise', () => {
    const own = nth(encryptedShares, 1);
    valueOf(openShare(secrets, own, keyOf(1)));
    assert.match(errorOf(openShare(secrets, own, keyOf(2))), /^the share is not that/);
    assert.match(errorOf(openShare(secrets, nth(encryptedShares, 2), keyOf(2))), /not one of this seed/);
    assert.match(errorOf(openShare(secrets, '{}', keyOf(1))), /can't be read/);
    const { signing, decryption } = secrets;
    const other = send(signing, group.multiplyBase(decryption), secretText.encode(number(5)), random);
    assert.match(errorOf(openShare(secrets, other, keyOf(1))), /^what is encrypted is not a share$/);
    const wrong = send(signing, group.multiplyBase(decryption), shareText.encode(number(5)), random);
    assert.match(errorOf(openShare(secrets, wrong, keyOf(1))), /^the share is not that/);
  });
});
