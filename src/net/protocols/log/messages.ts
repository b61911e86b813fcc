import * as z from 'zod';
import { MAX_ENTRY_BYTES } from '../../../election/limits.ts';
import { bytesUpTo, checkpointSchema, uint } from '../../schemas.ts';

/**
 * `from` and `to` are indexes of entries, `to` itself not included; for checkpoints, `from` is the least size wanted.
 * With `follow` the answer goes on as the log grows, until the client ends its half of the stream; with `checkpoints` it has,
 * after each frame of entries, the newest checkpoint that covers none that were not sent.
 */
export const logRequestSchema = z.union([
  z
    .strictObject({
      what: z.literal('entries'),
      from: uint,
      to: uint.optional(),
      follow: z.literal(false).optional(),
    })
    .refine(({ from, to }) => to === undefined || from <= to, 'expected from ≤ to'),
  z.strictObject({
    what: z.literal('entries'),
    from: uint,
    follow: z.literal(true),
    checkpoints: z.literal(true).optional(),
  }),
  z.strictObject({ what: z.literal('checkpoints'), from: uint }),
]);
export type LogRequest = z.infer<typeof logRequestSchema>;

/**
 * Frames of an answer: parts, then `done`, which says that all there is was sent, and names the newest checkpoint whose
 * entries were all sent or were not asked for. A follower gets a `done` each time it has caught up, and now and then as a sign of life.
 */
export const logFrameSchema = z.union([
  z.strictObject({ entries: z.array(bytesUpTo(MAX_ENTRY_BYTES)).min(1) }),
  z.strictObject({ checkpoints: z.array(checkpointSchema).min(1) }),
  z.strictObject({ done: z.literal(true), latestCheckpoint: checkpointSchema.optional() }),
]);
export type LogFrame = z.infer<typeof logFrameSchema>;
