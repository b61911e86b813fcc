import * as z from 'zod';
import { MAX_ENTRY_BYTES, MAX_NAME_BYTES, MAX_TIME, MAX_WEIGHT } from '../../../election/limits.ts';
import { nameSchema, questionsSchema, titleSchema } from '../../../election/schemas.ts';
import type { ElectionInfo, VoterAnswer, VoterQuery } from '../../../services/ports.ts';
import { bytesOf, bytesUpTo, checkpointSchema, proofSchema, uint } from '../../schemas.ts';

const voterQuerySchema = z.union([
  z.strictObject({ key: bytesOf(32) }),
  z.strictObject({ name: z.string().min(1).max(MAX_NAME_BYTES) }),
]) satisfies z.ZodType<VoterQuery>;

/** `{}` asks for the election, `{voter}` for a voter's record. */
export const infoRequestSchema = z.union([z.strictObject({}), z.strictObject({ voter: voterQuerySchema })]);
export type InfoRequest = z.infer<typeof infoRequestSchema>;

export const provenEntrySchema = z.strictObject({
  index: uint,
  entry: bytesUpTo(MAX_ENTRY_BYTES),
  proof: proofSchema,
});

const time = uint.max(MAX_TIME);

export const electionInfoSchema = z.strictObject({
  genesis: provenEntrySchema,
  round: provenEntrySchema.nullable(),
  trustees: provenEntrySchema.nullable(),
  checkpoint: checkpointSchema,
  open: z.boolean(),
  draft: z
    .strictObject({
      title: titleSchema,
      questions: questionsSchema,
      opens: time.nullable(),
      closes: time.nullable(),
    })
    .nullable(),
  turnout: z.strictObject({ voters: uint, voted: uint, ballots: uint }),
  time,
}) satisfies z.ZodType<ElectionInfo>;

/** Null for a voter that the roll does not have. */
export const standingSchema = z
  .strictObject({
    name: nameSchema,
    key: bytesOf(32),
    weight: z.int().min(1).max(MAX_WEIGHT),
    round: uint,
    number: uint,
    seq: uint.nullable(),
    enrolled: z.literal(true).optional(),
  })
  .nullable() satisfies z.ZodType<VoterAnswer | null>;
