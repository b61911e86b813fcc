import * as z from 'zod';
import type { CeremonyStep } from './entries.ts';
import { MAX_ENTRY_BYTES, MAX_TRUSTEES } from './limits.ts';
import { ceremonyStepSchema, proofText } from './schemas.ts';

/** A step of a key ceremony, as it travels. */
export interface GivenStep {
  /** CID of the entry that started the ceremony, as text. */
  readonly ceremony: string;
  readonly step: CeremonyStep;
  /** The invitation's code, with a trustee's first step; null with later ones, which the first one's key signs. */
  readonly invitation: string | null;
}

/** A trustee's answer to a call, as it travels. */
export interface GivenReadiness {
  readonly trustee: number;
  /** The call's entry, by its CID as text. */
  readonly call: string;
  readonly proof: string;
}

/** What a trustee hands in, over the network or as a file. */
export type TrusteeMessage =
  | ({ readonly kind: 'step' } & GivenStep)
  | ({ readonly kind: 'readiness' } & GivenReadiness)
  | {
      readonly kind: 'decryption';
      readonly round: number;
      readonly trustee: number;
      /** The sealing protocol's own text. */
      readonly partialDecryption: string;
      /** Of the whole of it. */
      readonly proof: string;
    };

const MAX_CID_CHARS = 100;
const MAX_CODE_CHARS = 100;
const trustee = z.int().min(1).max(MAX_TRUSTEES);
const text = z.string().min(1).max(MAX_ENTRY_BYTES);
const cidText = z.string().min(1).max(MAX_CID_CHARS);

export const trusteeMessageSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('step'),
    ceremony: cidText,
    step: ceremonyStepSchema,
    invitation: z.string().max(MAX_CODE_CHARS).nullable(),
  }),
  z.strictObject({ kind: z.literal('readiness'), trustee, call: cidText, proof: text }),
  z.strictObject({
    kind: z.literal('decryption'),
    round: z.int().min(1).max(1_000_000),
    trustee,
    partialDecryption: text,
    proof: proofText,
  }),
]) satisfies z.ZodType<TrusteeMessage>;
