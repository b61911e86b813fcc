import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CeremonyDesk } from '#src/belenios/v1/ceremony/desk.js';
import { fifthStep, openShare, thirdStep } from '#src/belenios/v1/ceremony/trustee.js';
import { polynomialText, voutputText } from '#src/belenios/v1/encoding/ceremony.js';
import { decodePrivateKeyFile } from '#src/belenios/v1/encoding/key-files.js';
import { decodeTrustees, encodeTrustees } from '#src/belenios/v1/encoding/trustees.js';
import { errorOf, valueOf } from '../../support/results.js';
import { fixture, textsOf } from '../fixtures.js';
import { nth, random, seatOf, shapeOf } from './ceremony.js';

const SIZE = 3;
const SHAPE = shapeOf(2, SIZE);

/** Ceremonies that Belenios' own program did; the owner numbers of the group's members begin after those of the trustees before. */
for (const [name, before] of [
  ['h-threshold', 0],
  ['h-single-pedersen', 1],
] as const) {
  const textOf = (file: string): string =>
    new TextDecoder().decode(fixture(`${name}/private/${file}`)).trimEnd();
  const ofEach = (kind: string): string[] =>
    Array.from({ length: SIZE }, (_, at) => textOf(`trustee${before + at + 1}.${kind}`));
  const certificates = textOf('certs.jsons').split('\n');
  const polynomials = textOf('polynomials.jsons').split('\n');
  const seats = ofEach('key').map((seed, at) => seatOf(SHAPE, at + 1, seed));

  describe(`the ceremony of ${name}`, () => {
    const desk = new CeremonyDesk(SHAPE);

    it('is taken message by message, and its vinputs, shares and trustees come out byte for byte', async () => {
      assert.deepEqual(ofEach('cert'), certificates);
      for (const [at, text] of certificates.entries()) valueOf(desk.takeCertificate(at + 1, text));
      assert.deepEqual(desk.certificates, certificates);
      for (const [at, text] of polynomials.entries()) valueOf(desk.takePolynomial(at + 1, text));
      assert.deepEqual(
        seats.map(({ index }) => desk.vinput(index)),
        ofEach('vinput'),
      );
      for (const [at, text] of ofEach('voutput').entries()) valueOf(desk.takeVoutput(at + 1, text));
      assert.deepEqual(desk.encryptedShares, ofEach('dkey'));
      const [[, trusteesText = ''] = []] = await textsOf(`${name}/tallied.bel`, 'Setup');
      const { trustee } = desk;
      assert.ok(trustee !== undefined);
      assert.equal(
        encodeTrustees([...valueOf(decodeTrustees(trusteesText)).slice(0, before), trustee]),
        trusteesText,
      );
    });

    it('gives each of its trustees, played by us from the seed, the share that Belenios gave it', () => {
      for (const [at, seat] of seats.entries()) {
        const expected = valueOf(decodePrivateKeyFile(nth(ofEach('secret'), at + 1)));
        const { publicKey } = valueOf(voutputText.decode(nth(ofEach('voutput'), at + 1))).publicKey;
        assert.deepEqual(valueOf(openShare(seat.secrets, nth(ofEach('dkey'), at + 1), publicKey)), expected);
        const again = valueOf(fifthStep(seat, certificates, nth(ofEach('vinput'), at + 1), random));
        const own = valueOf(voutputText.decode(again));
        assert.deepEqual(own.publicKey.publicKey, publicKey);
        assert.deepEqual(valueOf(openShare(seat.secrets, own.privateKey, publicKey)), expected);
        const other = nth(seats, ((at + 1) % SIZE) + 1);
        assert.match(errorOf(openShare(other.secrets, own.privateKey, publicKey)), /not one of this seed/);
      }
    });

    it('could have had polynomials made by us', () => {
      const other = new CeremonyDesk(SHAPE);
      for (const [at, text] of certificates.entries()) valueOf(other.takeCertificate(at + 1, text));
      for (const seat of seats) {
        const text = valueOf(thirdStep(seat, certificates, random));
        valueOf(other.takePolynomial(seat.index, text));
        const lengths = (one: string) =>
          valueOf(polynomialText.decode(one)).secrets.map((secret) => Math.round(secret.length / 100));
        assert.deepEqual(lengths(text), lengths(nth(polynomials, seat.index)));
      }
    });
  });
}
