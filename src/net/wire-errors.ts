import * as z from 'zod';
import { encodeDagCbor } from '../base/dag-cbor.ts';
import { PeerRefusal, type WireCode } from '../services/ports.ts';

/** Every answer is `{ok: value}` or `{error: {code, message, retryAfter?}}`. */

const CODES = [
  'malformed',
  'too-large',
  'wrong-election',
  'not-open',
  'closed',
  'unknown-voter',
  'already-voted',
  'bad-signature',
  'bad-proof',
  'already-enrolled',
  'too-late',
  'small-group',
  'busy',
  'internal',
  'not-found',
] as const satisfies readonly WireCode[];

const MAX_MESSAGE_CHARS = 1024;
// A terminal would obey control characters, and a bidirectional override shows another text than was sent.
const UNPRINTABLE = /[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu;

const errorSchema = z.strictObject({
  code: z.enum(CODES satisfies readonly [WireCode, ...WireCode[]]),
  message: z
    .string()
    .max(MAX_MESSAGE_CHARS)
    .refine((text) => text.search(UNPRINTABLE) === -1, 'expected printable text'),
  /** Milliseconds from now. */
  retryAfter: z.int().min(0).max(86_400_000).optional(),
});

export const errorAnswerSchema = z.strictObject({ error: errorSchema });

/** What is told of a failure that is not the peer's doing: nothing of the inside. */
const INTERNAL = new PeerRefusal(
  'internal',
  'The node failed to answer. Its operator finds the reason there.',
);

export function encodeAnswer(value: unknown): Uint8Array {
  return encodeDagCbor({ ok: value });
}

export function encodeRefusal(refusal: PeerRefusal): Uint8Array {
  const message = refusal.message.replace(UNPRINTABLE, ' ').slice(0, MAX_MESSAGE_CHARS);
  const { code, retryAfter } = refusal;
  return encodeDagCbor({
    error: { code, message, ...(retryAfter === undefined ? {} : { retryAfter: Math.ceil(retryAfter) }) },
  });
}

/** A service's failure as it travels: a refusal as it is, everything else as `internal`, reported to `onDefect`. */
export function asRefusal(error: unknown, onDefect: (error: unknown) => void): PeerRefusal {
  if (error instanceof PeerRefusal) return error;
  onDefect(error);
  return INTERNAL;
}
