import * as z from 'zod';
import type { InclusionQuery } from '../../../services/ports.ts';
import { bytesOf, checkpointSchema, proofSchema, trackerSchema, uint } from '../../schemas.ts';
import { provenEntrySchema } from '../info/messages.ts';

export const proofRequestSchema = z.union([
  z.strictObject({
    inclusion: z.union([
      z.strictObject({ index: uint }),
      z.strictObject({ tracker: trackerSchema }),
      z.strictObject({ round: uint.min(1) }),
    ]) satisfies z.ZodType<InclusionQuery>,
  }),
  z.strictObject({
    consistency: z
      .strictObject({ first: uint, second: uint.optional() })
      .refine(({ first, second }) => second === undefined || first <= second, 'expected first ≤ second'),
  }),
  z.strictObject({ checkpoint: z.literal(true) }),
]);
export type ProofRequest = z.infer<typeof proofRequestSchema>;

export const inclusionSchema = z.strictObject({ ...provenEntrySchema.shape, checkpoint: checkpointSchema });
/** `root` is that of the first entries in this log; the proof leads from it. */
export const consistencySchema = z.strictObject({
  root: bytesOf(32),
  proof: proofSchema,
  checkpoint: checkpointSchema,
});
/** Null for a log that has no checkpoint yet. */
export const newestCheckpointSchema = z.strictObject({ checkpoint: checkpointSchema.nullable() });
