import * as z from 'zod';
import { MAX_BALLOT_BYTES } from '../../../election/limits.ts';
import { bytesUpTo } from '../../schemas.ts';
import { MAX_PROMISE_CHARS, MAX_RECEIPT_CHARS } from './constants.ts';

export const castRequestSchema = z.strictObject({ ballot: bytesUpTo(MAX_BALLOT_BYTES) });
export type CastRequest = z.infer<typeof castRequestSchema>;

/** The receipt, with which the answer ends; a promise may come before it. */
export const castAnswerSchema = z.union([
  z.strictObject({ receipt: z.string().min(1).max(MAX_RECEIPT_CHARS) }),
  z.strictObject({ promise: z.string().min(1).max(MAX_PROMISE_CHARS) }),
]);
