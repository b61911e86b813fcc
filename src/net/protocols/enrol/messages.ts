import * as z from 'zod';
import { MAX_ENROLMENT_BYTES } from '../../../election/enrolment.ts';
import { bytesUpTo } from '../../schemas.ts';
import { MAX_ENROLMENT_RECEIPT_CHARS } from './constants.ts';

export const enrolRequestSchema = z.strictObject({ enrolment: bytesUpTo(MAX_ENROLMENT_BYTES) });
export type EnrolRequest = z.infer<typeof enrolRequestSchema>;

export const enrolAnswerSchema = z.strictObject({
  receipt: z.string().min(1).max(MAX_ENROLMENT_RECEIPT_CHARS),
});
