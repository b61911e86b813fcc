import * as z from 'zod';
import { trusteeMessageSchema } from '../../../services/trustee-messages.ts';

export const trusteeRequestSchema = trusteeMessageSchema;
export const trusteeAnswerSchema = z.strictObject({ taken: z.literal(true) });
