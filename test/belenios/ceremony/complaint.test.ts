import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { type Point, group } from '#src/crypto/group/group.js';
import { send } from '#src/belenios/v1/ceremony/channel.js';
import { complain } from '#src/belenios/v1/ceremony/complaint.js';
import { encryptText } from '#src/belenios/v1/ceremony/encrypted-message.js';
import { CeremonyDesk } from '#src/belenios/v1/ceremony/desk.js';
import type { Fault } from '#src/belenios/v1/ceremony/fault.js';
import { type Seat, fifthStep, thirdStep } from '#src/belenios/v1/ceremony/trustee.js';
import {
  channelSignedText,
  channelText,
  encryptedMessageText,
  polynomialText,
  secretText,
  signedMessageText,
  vinputText,
} from '#src/belenios/v1/encoding/ceremony.js';
import { pointText } from '#src/belenios/v1/encoding/elements.js';
import { scalarToDecimal } from '#src/belenios/v1/encoding/group-elements.js';
import { signMessage } from '#src/belenios/v1/signed-message.js';
import { errorOf, valueOf } from '../../support/results.js';
import {
  assertFault,
  certified,
  completed,
  dealt,
  encryptionKey,
  nth,
  number,
  random,
  replaced,
  shapeOf,
  vinputWith,
} from './ceremony.js';

const SHAPE = shapeOf(2, 3);
const sent = (from: Seat, to: Seat, key = from.secrets.signing): string =>
  send(key, encryptionKey(to), secretText.encode(number(5)), random);

/** A ceremony in which trustee 2 sends trustee 1 a wrong number, or something it did not sign. */
const cheated = (how: 'signed' | 'unsigned') =>
  dealt(SHAPE, (index, message, { seats }) => {
    if (index !== 2) return message;
    const key = nth(seats, how === 'signed' ? 2 : 3).secrets.signing;
    return { ...message, secrets: replaced(message.secrets, 1, sent(nth(seats, 2), nth(seats, 1), key)) };
  });

const complaintOf = ({ seats, certificates, vinputs }: ReturnType<typeof dealt>, vinput = nth(vinputs, 1)) =>
  complain(nth(seats, 1), certificates, vinput, 2, random);

/** The protocol's text of a complaint, written down a second time: with any secret, point and coefexps, and a right proof of the point given. */
function forged(
  seat: Seat,
  certificates: readonly string[],
  parts: { sender: number; secret: string; coefexps: unknown; ceremony?: string; shared?: Point },
): string {
  const { alpha } = valueOf(encryptedMessageText.decode(parts.secret));
  const ceremony =
    parts.ceremony ??
    createHash('sha256')
      .update(`[${certificates.join(',')}]`)
      .digest('hex');
  const shared = parts.shared ?? group.multiply(seat.secrets.decryption, alpha);
  const w = group.randomScalar(random);
  const [ek, a, d, first, second] = [
    encryptionKey(seat),
    alpha,
    shared,
    group.multiplyBase(w),
    group.multiply(w, alpha),
  ].map(pointText);
  const hashed = `complaint|${ceremony}|${seat.index}|${parts.sender}|${ek}|${a}|${d}|${first},${second}`;
  const challenge = group.scalarFromHash(createHash('sha256').update(hashed).digest());
  const response = group.subtractScalars(w, group.multiplyScalars(seat.secrets.decryption, challenge));
  const content = JSON.stringify({
    ceremony,
    complainer: seat.index,
    sender: parts.sender,
    coefexps: parts.coefexps,
    secret: parts.secret,
    shared: d,
    proof: { challenge: scalarToDecimal(challenge), response: scalarToDecimal(response) },
  });
  return signedMessageText.encode(signMessage(seat.secrets.signing, `complaint|${content}`, random));
}

/** The raw JSON of a trustee's signed coefexps. */
const coefexpsOf = (polynomial: string): unknown =>
  (JSON.parse(polynomial) as { coefexps: unknown }).coefexps;

describe('a complaint', () => {
  it('about a wrong number convicts who signed it, for anyone, and ends the ceremony', () => {
    const ceremony = cheated('signed');
    const { desk } = ceremony;
    const text = valueOf(complaintOf(ceremony));
    const { upheld, fault } = valueOf(desk.takeComplaint(1, text));
    assert.equal(upheld, true);
    assertFault(fault, 'wrong-secret', [2], 'signature');
    assert.deepEqual(fault.evidence, [nth(ceremony.polynomials, 2), text]);
    assert.equal(desk.ended, fault);
    assert.equal(desk.vinput(1), undefined);
    assertFault(desk.takeVoutput(3, ''), 'out-of-order', [3], 'delivery');
    assertFault(desk.takePolynomial(3, ''), 'out-of-order', [3], 'delivery');
    assertFault(desk.takeComplaint(3, text), 'out-of-order', [3], 'delivery');
  });

  it('about something that the sender did not sign tells that it or the delivery is to blame', () => {
    const ceremony = cheated('unsigned');
    const { upheld, fault } = valueOf(ceremony.desk.takeComplaint(1, valueOf(complaintOf(ceremony))));
    assert.equal(upheld, true);
    assertFault(fault, 'unsigned-secret', [2], 'delivery');
  });

  it('is not made, and nothing revealed, when nothing is wrong or everybody can see what is', () => {
    const honest = dealt(SHAPE);
    assert.match(errorOf(complaintOf(honest)), /what it should be/);
    const message = valueOf(vinputText.decode(nth(honest.vinputs, 1)));
    const broken = vinputWith(nth(honest.vinputs, 1), { secrets: replaced(message.secrets, 2, '{}') });
    const faults = errorOf(fifthStep(nth(honest.seats, 1), honest.certificates, broken, random));
    assertFault(nth(faults, 1), 'not-encrypted', [2], 'delivery');
    assert.match(errorOf(complaintOf(honest, broken)), /not hidden/);
    assert.match(errorOf(complaintOf(honest, '{}')), /not in a secret/);
    for (const sender of [0, 1, 4])
      assert.match(
        errorOf(complain(nth(honest.seats, 1), honest.certificates, nth(honest.vinputs, 1), sender, random)),
        /no such sender/,
      );
  });

  it('convicts a sender that signed two polynomials', () => {
    const start = certified(SHAPE);
    const texts = start.seats.map((seat) => valueOf(thirdStep(seat, start.certificates, random)));
    const other = valueOf(thirdStep(nth(start.seats, 2), start.certificates, random));
    for (const [at, text] of texts.entries()) valueOf(start.desk.takePolynomial(at + 1, text));
    const second = valueOf(polynomialText.decode(other));
    const accuse = (secret: string, coefexps: unknown): Fault => {
      const desk = new CeremonyDesk(SHAPE);
      for (const [at, text] of start.certificates.entries()) valueOf(desk.takeCertificate(at + 1, text));
      for (const [at, text] of texts.entries()) valueOf(desk.takePolynomial(at + 1, text));
      const text = forged(nth(start.seats, 1), start.certificates, { sender: 2, secret, coefexps });
      const { upheld, fault } = valueOf(desk.takeComplaint(1, text));
      assert.equal(upheld, true);
      return fault;
    };
    const [secret] = second.secrets;
    assert.ok(secret !== undefined);
    assertFault(accuse(secret, coefexpsOf(other)), 'two-polynomials', [2], 'signature');
    assertFault(accuse(secret, coefexpsOf(nth(texts, 2))), 'wrong-secret', [2], 'signature');
  });
});

describe('a false complaint', () => {
  const ceremony = dealt(SHAPE);
  const { seats, certificates, polynomials, vinputs } = ceremony;
  const [first, second, third] = [nth(seats, 1), nth(seats, 2), nth(seats, 3)];
  const secret = nth(valueOf(polynomialText.decode(nth(polynomials, 2))).secrets, 1);
  const coefexps = coefexpsOf(nth(polynomials, 2));
  const deskNow = () => {
    const desk = new CeremonyDesk(SHAPE);
    for (const [at, text] of certificates.entries()) valueOf(desk.takeCertificate(at + 1, text));
    for (const [at, text] of polynomials.entries()) valueOf(desk.takePolynomial(at + 1, text));
    return desk;
  };
  const judged = (text: string): Fault => {
    const desk = deskNow();
    const { upheld, fault } = valueOf(desk.takeComplaint(1, text));
    assert.equal(upheld, false);
    assert.equal(desk.ended, fault);
    return fault;
  };
  const refused = (index: number, text: string) => {
    const desk = deskNow();
    const taken = desk.takeComplaint(index, text);
    assert.equal(desk.ended, undefined);
    return taken;
  };

  it('about a right secret convicts who complains', () => {
    assertFault(
      judged(forged(first, certificates, { sender: 2, secret, coefexps })),
      'false-complaint',
      [1],
      'signature',
    );
  });

  it('with another point than the shared one convicts who complains', () => {
    const shared = group.multiplyBase(number(9));
    assertFault(
      judged(forged(first, certificates, { sender: 2, secret, coefexps, shared })),
      'false-complaint',
      [1],
      'signature',
    );
  });

  it('about a message that was made up tells that its author or the delivery is to blame', () => {
    const made = sent(second, first, first.secrets.signing);
    const message = valueOf(vinputText.decode(nth(vinputs, 1)));
    const vinput = vinputWith(nth(vinputs, 1), { secrets: replaced(message.secrets, 2, made) });
    assertFault(judged(valueOf(complaintOf(ceremony, vinput))), 'false-complaint', [1], 'delivery');
  });

  it('with coefexps that the sender did not sign, or about no other trustee, convicts who complains', () => {
    const foreign = coefexpsOf(nth(polynomials, 3));
    const own = { sender: 1, secret: nth(valueOf(vinputText.decode(nth(vinputs, 1))).secrets, 1) };
    for (const text of [
      forged(first, certificates, { sender: 2, secret, coefexps: foreign }),
      forged(first, certificates, { ...own, coefexps: coefexpsOf(nth(polynomials, 1)) }),
      forged(first, certificates, { sender: 4, secret, coefexps }),
      forged({ ...first, index: 2 }, certificates, { sender: 3, secret, coefexps }),
    ])
      assertFault(judged(text), 'false-complaint', [1], 'signature');
  });

  it('in the name of another, or about oneself, convicts who signed it even where the secret is wrong', () => {
    const wrong = cheated('signed');
    const own = nth(wrong.seats, 1);
    const about = {
      sender: 2,
      secret: nth(valueOf(polynomialText.decode(nth(wrong.polynomials, 2))).secrets, 1),
      coefexps: coefexpsOf(nth(wrong.polynomials, 2)),
    };
    const itself = {
      ...about,
      sender: 1,
      secret: sent(own, own),
      coefexps: coefexpsOf(nth(wrong.polynomials, 1)),
    };
    for (const text of [
      forged({ ...own, index: 3 }, wrong.certificates, about),
      forged(own, wrong.certificates, itself),
    ]) {
      const desk = new CeremonyDesk(SHAPE);
      for (const [at, one] of wrong.certificates.entries()) valueOf(desk.takeCertificate(at + 1, one));
      for (const [at, one] of wrong.polynomials.entries()) valueOf(desk.takePolynomial(at + 1, one));
      const { upheld, fault } = valueOf(desk.takeComplaint(1, text));
      assert.equal(upheld, false);
      assertFault(fault, 'false-complaint', [1], 'signature');
    }
  });

  it("that is none, another's, or another ceremony's is refused and ends nothing", () => {
    const text = forged(first, certificates, { sender: 2, secret, coefexps });
    assertFault(refused(1, '{}'), 'malformed', [1], 'delivery');
    assertFault(refused(3, text), 'malformed', [3], 'delivery');
    assertFault(refused(1, text.replace('sender', 'sander')), 'malformed', [1], 'delivery');
    const otherwise = signMessage(first.secrets.signing, 'complaint|{}', random);
    assertFault(refused(1, signedMessageText.encode(otherwise)), 'malformed', [1], 'delivery');
    const withoutPrefix = signMessage(first.secrets.signing, '{}', random);
    assertFault(refused(1, signedMessageText.encode(withoutPrefix)), 'malformed', [1], 'delivery');
    const elsewhere = forged(first, certificates, { sender: 2, secret, coefexps, ceremony: '0'.repeat(64) });
    assertFault(refused(1, elsewhere), 'other-certificates', [1], 'delivery');
    const early = new CeremonyDesk(SHAPE);
    assertFault(early.takeComplaint(1, text), 'out-of-order', [1], 'delivery');
  });

  it('can not be made by re-encrypting for oneself what the sender signed for another', () => {
    // Trustee 3 opens what trustee 2 sent it and hands trustee 1 the signed message that was inside, which names trustee 3.
    const content = channelText.encode({
      recipient: encryptionKey(third),
      message: secretText.encode(number(5)),
    });
    const signed = channelSignedText.encode(signMessage(second.secrets.signing, content, random));
    const handed = encryptText(encryptionKey(first), signed, random);
    const fault = judged(forged(first, certificates, { sender: 2, secret: handed, coefexps }));
    assertFault(fault, 'false-complaint', [1], 'delivery');
  });

  it('is not taken from who has sent a voutput, nor once the ceremony is done', () => {
    const { desk, certificates, seats, vinputs } = completed(SHAPE);
    assert.ok(errorOf(complain(nth(seats, 1), certificates, nth(vinputs, 1), 2, random)).length > 0);
    const content = signMessage(nth(seats, 1).secrets.signing, 'complaint|{}', random);
    assertFault(desk.takeComplaint(1, signedMessageText.encode(content)), 'out-of-order', [1], 'delivery');
    assert.ok(desk.trustee !== undefined && desk.encryptedShares !== undefined);
  });
});
