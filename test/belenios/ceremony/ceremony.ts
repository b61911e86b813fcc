import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { type Point, type Scalar, group, scalarFromBigInt } from '#src/crypto/group/group.js';
import { type Shape, ceremonyShape } from '#src/belenios/v1/ceremony/certificates.js';
import { CeremonyDesk } from '#src/belenios/v1/ceremony/desk.js';
import type { Fault } from '#src/belenios/v1/ceremony/fault.js';
import type { PolynomialMessage, Vinput } from '#src/belenios/v1/ceremony/messages.js';
import { generateSeed } from '#src/belenios/v1/ceremony/seed.js';
import { type Seat, fifthStep, firstStep, thirdStep } from '#src/belenios/v1/ceremony/trustee.js';
import { polynomialText, vinputText } from '#src/belenios/v1/encoding/ceremony.js';
import type { Random } from '#src/belenios/v1/proofs.js';
import { memberSecrets } from '#src/belenios/v1/signed-message.js';
import { errorOf, valueOf } from '../../support/results.js';

export const random: Random = (length) => new Uint8Array(randomBytes(length));

/** The same bytes for the same name, as a restarted trustee's randomness never is: for tests of what depends on nothing else. */
export function repeatable(name: string): Random {
  let count = 0;
  return (length) =>
    new Uint8Array(createHash('shake256', { outputLength: length }).update(`${name} ${count++}`).digest());
}

/** Gives these scalars first: what a trustee that chooses its polynomial itself would use. */
export function choosing(...scalars: readonly Scalar[]): Random {
  const left = [...scalars];
  return (length) => {
    const next = left.shift();
    if (next === undefined) return random(length);
    const wide = new Uint8Array(length);
    wide.set(next);
    return wide;
  };
}

export const number = (value: number): Scalar => scalarFromBigInt(BigInt(value));
export const encryptionKey = ({ secrets }: Seat): Point => group.multiplyBase(secrets.decryption);

export const shapeOf = (threshold: number, size: number): Shape => valueOf(ceremonyShape(threshold, size));

export function seatsOf(shape: Shape, randomOf: Random = random): Seat[] {
  return Array.from({ length: shape.size }, (_, at) => seatOf(shape, at + 1, generateSeed(randomOf)));
}

export function seatOf(shape: Shape, index: number, seed: string): Seat {
  return { secrets: valueOf(memberSecrets(seed)), shape, index };
}

/** What `at` gives; a test names only places that exist. */
export function nth<T>(list: readonly T[], index: number): T {
  const found = list[index - 1];
  assert.ok(found !== undefined, `nothing in place ${index}`);
  return found;
}

/** A ceremony with all certificates at its desk. */
export function certified(shape: Shape, seats: readonly Seat[] = seatsOf(shape), randomOf: Random = random) {
  const desk = new CeremonyDesk(shape);
  for (const seat of seats) valueOf(desk.takeCertificate(seat.index, firstStep(seat, randomOf)));
  const { certificates } = desk;
  assert.ok(certificates !== undefined);
  return { shape, seats, desk, certificates };
}

/** One with all polynomials as well; `change` is what a cheater makes of its own, or somebody on the way. */
export function dealt(
  shape: Shape,
  change: (
    index: number,
    message: PolynomialMessage,
    at: ReturnType<typeof certified>,
  ) => PolynomialMessage = (_, message) => message,
) {
  const start = certified(shape);
  const polynomials = start.seats.map((seat) => {
    const text = valueOf(thirdStep(seat, start.certificates, random));
    return polynomialText.encode(change(seat.index, valueOf(polynomialText.decode(text)), start));
  });
  for (const [at, text] of polynomials.entries()) valueOf(start.desk.takePolynomial(at + 1, text));
  return { ...start, polynomials, vinputs: start.seats.map(({ index }) => vinputOf(start.desk, index)) };
}

export function vinputOf(desk: CeremonyDesk, index: number): string {
  const vinput = desk.vinput(index);
  assert.ok(vinput !== undefined);
  return vinput;
}

/** A whole honest ceremony. */
export function completed(shape: Shape) {
  const middle = dealt(shape);
  const voutputs = middle.seats.map((seat) =>
    valueOf(fifthStep(seat, middle.certificates, nth(middle.vinputs, seat.index), random)),
  );
  for (const [at, text] of voutputs.entries()) valueOf(middle.desk.takeVoutput(at + 1, text));
  const { trustee, encryptedShares } = middle.desk;
  assert.ok(trustee !== undefined && encryptedShares !== undefined);
  return { ...middle, voutputs, trustee, encryptedShares };
}

/** A message with one change, as its canonical text. */
export const polynomialWith = (text: string, changes: Partial<PolynomialMessage>): string =>
  polynomialText.encode({ ...valueOf(polynomialText.decode(text)), ...changes });
export const vinputWith = (text: string, changes: Partial<Vinput>): string =>
  vinputText.encode({ ...valueOf(vinputText.decode(text)), ...changes });

export const replaced = <T>(list: readonly T[], index: number, value: T): T[] =>
  list.map((one, at) => (at === index - 1 ? value : one));

/** Checks who is accused of what and how surely, and that nothing that looks like a secret number is in what is said of it. */
export function assertFault(
  found: Fault | { readonly ok: boolean; readonly error?: Fault },
  offence: Fault['offence'],
  accused: readonly number[],
  proven: Fault['proven'],
): Fault {
  const fault = 'offence' in found ? found : errorOf(found as { ok: false; error: Fault });
  assert.deepEqual(
    { offence: fault.offence, accused: fault.accused, proven: fault.proven },
    { offence, accused, proven },
    fault.reason,
  );
  assert.doesNotMatch(fault.reason, /[0-9]{10}|[0-9a-f]{32}/);
  return fault;
}
