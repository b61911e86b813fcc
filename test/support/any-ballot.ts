import * as fc from 'fast-check';
import { encodeDagCbor } from '#src/base/dag-cbor.js';
import { cidFromDigest } from '#src/crypto/cid.js';
import { MAX_ANSWERS, MAX_QUESTIONS, MAX_TIME } from '#src/election/limits.js';

const digest = fc.uint8Array({ minLength: 32, maxLength: 32 });

/** Numbers of every encoded length, up to `max`. */
export const sizes = (max: number) =>
  fc.oneof(
    ...[23, 24, 255, 256, 65_535, 65_536, 0xffff_ffff, 0x1_0000_0000, max]
      .filter((edge) => edge <= max)
      .map((edge) => fc.constant(edge)),
    fc.integer({ min: 0, max: Math.min(max, 0x7fff_ffff) }),
  );
const choice = fc.oneof(fc.constant(null), fc.array(sizes(MAX_ANSWERS), { maxLength: 30 }));

const or =
  (spoil: boolean) =>
  <T>(good: fc.Arbitrary<T>, ...bad: fc.Arbitrary<unknown>[]): fc.Arbitrary<unknown> =>
    spoil ? fc.oneof({ arbitrary: good, weight: 12 }, ...bad) : good;
const anyExtra = (spoil: boolean) =>
  or(spoil)(fc.constant({}), fc.constant({ zz: 1 })) as fc.Arbitrary<object>;
const encoded = (fields: fc.Arbitrary<object>, extra: fc.Arbitrary<object>) =>
  fc.tuple(fields, extra).map(([some, more]) => Uint8Array.from(encodeDagCbor({ ...some, ...more })));

/** What ballots of all forms have. */
const common = (either: ReturnType<typeof or>) => ({
  round: either(digest.map(cidFromDigest), digest),
  voter: either(digest, fc.uint8Array({ minLength: 31, maxLength: 33 })),
  number: either(
    sizes(0xffff_fffe).map((n) => n + 1),
    fc.constantFrom(0, -1, 0x1_0000_0000, 1.5),
  ),
});

/** The body of a ballot; where `spoil`, fields may be one beyond what is allowed, or of other types. */
export const anyBody = (spoil: boolean) => {
  const either = or(spoil);
  return encoded(
    fc.record({
      v: either(fc.constant(1), fc.constant(2), fc.constant('1')),
      form: either(fc.constant('open'), fc.constant('shut'), fc.constant('sealed')),
      ...common(either),
      choices: either(
        fc.array(choice, { minLength: 1, maxLength: 5 }),
        fc.constantFrom(
          [],
          [[MAX_ANSWERS + 1]],
          [0],
          [[-1]],
          [[0.5]],
          [true],
          Array.from({ length: MAX_QUESTIONS + 1 }, () => null),
        ),
        fc.constant([Array.from({ length: MAX_ANSWERS + 1 }, () => 0)]),
      ),
    }),
    anyExtra(spoil),
  );
};

/** The body of a sealed ballot with any text of ASCII in it, spoilt or not. */
export const anySealedBody = (spoil: boolean) => {
  const either = or(spoil);
  return encoded(
    fc.record({
      v: either(fc.constant(1), fc.constant(2)),
      form: either(fc.constant('sealed'), fc.constant('open'), fc.constant('shut')),
      ...common(either),
      sealed: either(
        fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 300 }),
        fc.constantFrom('', 1, null),
      ),
    }),
    anyExtra(spoil),
  );
};

const signedFields = (spoil: boolean) =>
  fc.record({
    body: anyBody(spoil),
    signature: or(spoil)(
      fc.uint8Array({ minLength: 64, maxLength: 64 }),
      fc.uint8Array({ minLength: 63, maxLength: 65 }),
    ),
  });

/** A signed ballot as it is cast, spoilt or not; no signature is valid. */
export const anySignedBallot = (spoil: boolean) => encoded(signedFields(spoil), anyExtra(spoil));

/** The entry of a ballot, spoilt or not. */
export const anyBallotEntry = (spoil: boolean) => {
  const either = or(spoil);
  return encoded(
    fc.record({
      v: either(fc.constant(1), fc.constant(0)),
      seq: either(sizes(Number.MAX_SAFE_INTEGER), fc.constant(-1), fc.constant(2n ** 53n)),
      prev: either(digest.map(cidFromDigest), fc.constant(null)),
      time: either(sizes(MAX_TIME), fc.constant(MAX_TIME + 1)),
      kind: either(fc.constant('ballot'), fc.constant('ballet')),
      ballot: either(signedFields(spoil), fc.constant(null)),
    }),
    anyExtra(spoil),
  );
};

/** The bytes with a few of them changed, added or taken away. */
export const mutated = (bytes: fc.Arbitrary<Uint8Array>) => {
  const change = fc.record({
    at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    take: fc.nat(2),
    put: fc.uint8Array({ maxLength: 3 }),
  });
  return fc.tuple(bytes, fc.array(change, { minLength: 1, maxLength: 2 })).map(([original, changes]) => {
    let changed = [...original];
    for (const { at, take, put } of changes)
      changed = changed.toSpliced(Math.floor(at * changed.length), take, ...put);
    return Uint8Array.from(changed);
  });
};
