import * as z from 'zod';
import { trusteeMessageSchema } from '../../../election/trustee-messages.ts';

export const trusteeRequestSchema = trusteeMessageSchema;
export const trusteeAnswerSchema = z.strictObject({ taken: z.literal(true) });
