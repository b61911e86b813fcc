import { CID } from 'multiformats/cid';
import * as z from 'zod';
import { utf8ToBytes } from '../base/bytes.ts';
import { isEntryCid } from '../crypto/cid.ts';
import {
  type CeremonyStep,
  ENTRY_VERSION,
  type Enrolment,
  type Entry,
  type Question,
  SEALING,
  type SignedBallot,
} from './entries.ts';
import {
  MAX_ANSWERS,
  MAX_BODY_BYTES,
  MAX_ENTRY_BYTES,
  MAX_NAME_BYTES,
  MAX_QUESTIONS,
  MAX_SEALED_WEIGHT,
  MAX_TEXT_BYTES,
  MAX_TIME,
  MAX_TOTAL_WEIGHT,
  MAX_TRUSTEES,
  MAX_VOTERS,
  MAX_WEIGHT,
  ROLL_CHUNK,
} from './limits.ts';

/** Schemas of everything that comes from outside, each tied by the compiler to the type it yields. */

const bytesOf = (length: number) =>
  z.custom<Uint8Array>(
    (value) => value instanceof Uint8Array && value.length === length,
    `expected ${length} bytes`,
  );
const bytesUpTo = (length: number) =>
  z.custom<Uint8Array>(
    (value) => value instanceof Uint8Array && value.length <= length,
    `expected bytes, at most ${length}`,
  );
export const cid = z.custom<CID>((value) => {
  const read = CID.asCID(value);
  return read !== null && isEntryCid(read);
}, 'expected a CIDv1 of a DAG-CBOR block');

/**
 * Text that people read: a bound in UTF-8 bytes, NFC so that equal-looking texts are equal, no control character (a
 * terminal would obey it), no bidirectional override (it would show another text than the one signed), and no byte order
 * mark (decoders of UTF-8 disagree on whether a leading one is a part of the text).
 */
const text = (maxBytes: number, minBytes = 1) =>
  z.string().refine((value) => {
    if (value.length > maxBytes) return false;
    const length = utf8ToBytes(value).length;
    return (
      length >= minBytes &&
      length <= maxBytes &&
      value === value.normalize('NFC') &&
      !/[\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069\ufeff]/u.test(value)
    );
  }, `expected text of ${minBytes} to ${maxBytes} bytes in Unicode NFC, without control characters`);
const uint = (max: number, min = 0) => z.int().min(min).max(max);

const publicKey = bytesOf(32);

export const questionSchema = z
  .strictObject({
    question: text(MAX_TEXT_BYTES),
    answers: z.array(text(MAX_TEXT_BYTES)).min(1).max(MAX_ANSWERS),
    min: uint(MAX_ANSWERS),
    max: uint(MAX_ANSWERS, 1),
    blank: z.boolean(),
    method: z.literal('count'),
  })
  .refine((q) => q.min <= q.max && q.max <= q.answers.length, 'expected min ≤ max ≤ number of answers')
  .refine(
    (q) => new Set(q.answers).size === q.answers.length,
    'expected answers that differ',
  ) satisfies z.ZodType<Question>;

export const questionsSchema = z.array(questionSchema).min(1).max(MAX_QUESTIONS);
export const titleSchema = text(MAX_TEXT_BYTES);
export const nameSchema = text(MAX_NAME_BYTES);

export const policySchema = z.strictObject({
  secrecy: z.enum(['sealed', 'open']),
  revote: z.enum(['last', 'never']),
  names: z.enum(['public', 'pseudonym']),
  smallGroups: z.enum(['warn', 'refuse']).optional(),
});

export const signedBallotSchema = z.strictObject({
  body: bytesUpTo(MAX_BODY_BYTES),
  signature: bytesOf(64),
}) satisfies z.ZodType<SignedBallot>;

const enrolmentFields = {
  voter: publicKey,
  key: publicKey,
  voterSignature: bytesOf(64),
  keySignature: bytesOf(64),
};
export const enrolmentSchema = z.strictObject({
  election: cid,
  ...enrolmentFields,
}) satisfies z.ZodType<Enrolment>;

const base = {
  v: z.literal(ENTRY_VERSION),
  seq: uint(Number.MAX_SAFE_INTEGER),
  prev: cid.nullable(),
  time: uint(MAX_TIME),
};
const votes = uint(Number.MAX_SAFE_INTEGER);
/** A text of another protocol, read where it is judged; an entry's size bounds it. */
const protocolText = z.string().min(1).max(MAX_ENTRY_BYTES);

/** Two numbers of 77 decimal digits, with their names. */
export const proofText = z.string().min(1).max(300);

export const ceremonyStepSchema = z.strictObject({
  kind: z.enum(['key', 'certificate', 'polynomial', 'share', 'complaint']),
  trustee: uint(MAX_TRUSTEES, 1),
  text: protocolText,
  signature: proofText,
}) satisfies z.ZodType<CeremonyStep>;

export const entrySchema = z.discriminatedUnion('kind', [
  z.strictObject({ ...base, kind: z.literal('ballot'), ballot: signedBallotSchema }),
  z.strictObject({
    ...base,
    kind: z.literal('genesis'),
    uuid: z.uuid(),
    title: titleSchema,
    description: text(MAX_TEXT_BYTES, 0),
    authority: publicKey,
    policy: policySchema,
    kdf: z.strictObject({
      name: z.literal('argon2id'),
      ops: uint(0xffffffff, 1),
      mem: uint(0xffffffff, 8192),
    }),
    registrar: z.strictObject({ key: publicKey, signature: bytesOf(64) }).optional(),
  }),
  z.strictObject({
    ...base,
    kind: z.literal('roll'),
    part: uint(MAX_VOTERS),
    parts: uint(MAX_VOTERS, 1),
    voters: z
      .array(z.strictObject({ name: nameSchema, key: publicKey, weight: uint(MAX_WEIGHT, 1) }))
      .min(1)
      .max(ROLL_CHUNK),
  }),
  z.strictObject({ ...base, kind: z.literal('enrolment'), ...enrolmentFields }),
  z.strictObject({
    ...base,
    kind: z.literal('round'),
    round: uint(1_000_000, 1),
    title: titleSchema,
    questions: questionsSchema,
    closes: uint(MAX_TIME).nullable(),
  }),
  z.strictObject({
    ...base,
    kind: z.literal('ceremony'),
    step: z.discriminatedUnion('kind', [
      z.strictObject({
        kind: z.literal('start'),
        threshold: uint(MAX_TRUSTEES),
        trustees: z
          .array(
            z.strictObject({
              name: nameSchema,
              role: z.enum(['single', 'member']),
              invitation: bytesOf(32),
            }),
          )
          .min(1)
          .max(MAX_TRUSTEES),
      }),
      ceremonyStepSchema,
    ]),
  }),
  z.strictObject({ ...base, kind: z.literal('call') }),
  z.strictObject({
    ...base,
    kind: z.literal('readiness'),
    trustee: uint(MAX_TRUSTEES, 1),
    call: cid,
    proof: proofText,
  }),
  z.strictObject({
    ...base,
    kind: z.literal('trustees'),
    protocol: z.literal(SEALING),
    trustees: protocolText,
  }),
  z.strictObject({
    ...base,
    kind: z.literal('tally'),
    round: uint(1_000_000, 1),
    numTallied: uint(MAX_VOTERS),
    totalWeight: uint(MAX_SEALED_WEIGHT),
    encryptedTally: protocolText,
  }),
  z.strictObject({
    ...base,
    kind: z.literal('decryption'),
    round: uint(1_000_000, 1),
    trustee: uint(MAX_TRUSTEES, 1),
    partialDecryption: protocolText,
    proof: proofText,
  }),
  z.strictObject({
    ...base,
    kind: z.literal('close'),
    round: uint(1_000_000, 1),
    reason: z.enum(['organiser', 'schedule']),
  }),
  z.strictObject({
    ...base,
    kind: z.literal('result'),
    round: uint(1_000_000, 1),
    turnout: z.strictObject({
      voters: uint(MAX_VOTERS),
      weight: uint(MAX_TOTAL_WEIGHT),
      voted: uint(MAX_VOTERS),
      votedWeight: uint(MAX_TOTAL_WEIGHT),
      ballots: votes,
    }),
    questions: z
      .array(
        z.strictObject({
          answers: z.array(votes).min(1).max(MAX_ANSWERS),
          blank: votes,
          winners: z.array(uint(MAX_ANSWERS)).max(MAX_ANSWERS),
        }),
      )
      .min(1)
      .max(MAX_QUESTIONS),
  }),
]) satisfies z.ZodType<Entry>;

const ballotBase = {
  v: z.literal(1),
  round: cid,
  voter: publicKey,
  number: uint(0xffffffff, 1),
};

export const ballotBodySchema = z.discriminatedUnion('form', [
  z.strictObject({
    ...ballotBase,
    form: z.literal('open'),
    choices: z
      .array(z.array(uint(MAX_ANSWERS)).max(MAX_ANSWERS).nullable())
      .min(1)
      .max(MAX_QUESTIONS),
  }),
  z.strictObject({ ...ballotBase, form: z.literal('sealed'), sealed: z.string().min(1).max(MAX_BODY_BYTES) }),
]);

/** One line of what a schema found: the first issue, with the path to it. */
export function firstIssue(error: z.ZodError): string {
  const issue = error.issues[0];
  if (issue === undefined) return 'not of the expected shape';
  const path = issue.path.map(String).join('.');
  return path === '' ? issue.message : `${path}: ${issue.message}`;
}
