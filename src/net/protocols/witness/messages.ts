import * as z from 'zod';
import type {
  BallotCheckReport,
  Exchange,
  ExchangeAnswer,
  ObserverAddress,
} from '../../../services/ports.ts';
import { bytesOf, checkpointSchema, proofSchema, uint } from '../../schemas.ts';
import {
  MAX_ADDRESS_CHARS,
  MAX_CHECKS_REPORTED,
  MAX_COSIGNED,
  MAX_EVIDENCE,
  MAX_EVIDENCE_CHARS,
  MAX_OBSERVERS,
  MAX_OBSERVER_ADDRESSES,
} from '../../../services/witness-limits.ts';

const observerSchema = z.strictObject({
  key: bytesOf(32),
  addresses: z.array(z.string().min(1).max(MAX_ADDRESS_CHARS)).min(1).max(MAX_OBSERVER_ADDRESSES),
}) satisfies z.ZodType<ObserverAddress>;

const evidenceSchema = z.array(z.string().min(1).max(MAX_EVIDENCE_CHARS)).max(MAX_EVIDENCE);

const exchangeSchema = z.strictObject({
  checkpoint: checkpointSchema.nullable(),
  observer: observerSchema.nullable(),
  evidence: evidenceSchema,
}) satisfies z.ZodType<Exchange>;

const reportedSchema = uint.max(MAX_CHECKS_REPORTED);
const checkSchema = z.strictObject({
  round: uint.min(1),
  found: reportedSchema,
  missing: reportedSchema,
}) satisfies z.ZodType<BallotCheckReport>;

/** `exchange` tells and asks of checkpoints, `checked` says what looking for ballots came to. */
export const witnessRequestSchema = z.union([
  z.strictObject({ exchange: exchangeSchema }),
  z.strictObject({ checked: checkSchema }),
]);
export type WitnessRequest = z.infer<typeof witnessRequestSchema>;

export const exchangeAnswerSchema = z.strictObject({
  checkpoint: checkpointSchema,
  prefix: z.strictObject({ root: bytesOf(32), proof: proofSchema }).nullable(),
  cosigned: z.array(checkpointSchema).max(MAX_COSIGNED),
  observers: z.array(observerSchema).max(MAX_OBSERVERS),
  evidence: evidenceSchema,
}) satisfies z.ZodType<ExchangeAnswer>;

export const notedSchema = z.strictObject({ noted: z.literal(true) });
