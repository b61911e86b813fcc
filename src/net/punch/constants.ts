import * as z from 'zod';
import type { ProtocolSpec } from '../protocol.ts';
import { descriptionSchema } from './description.ts';

/** Two descriptions are some 400 bytes each. */
const MAX_BYTES = 2 * 1024;

/** Where the client may be found in, where the node may be found out; then both send until they meet. */
export const PUNCH: ProtocolSpec = {
  id: '/psephos/punch/1.0.0',
  maxRequestBytes: MAX_BYTES,
  maxAnswerBytes: MAX_BYTES,
  maxStreams: 1,
  bulk: false,
};

export const punchRequestSchema = z.strictObject({ offer: descriptionSchema });
export type PunchRequest = z.infer<typeof punchRequestSchema>;

export const punchAnswerSchema = z.strictObject({ answer: descriptionSchema });
