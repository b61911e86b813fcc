import { MAX_BALLOT_BYTES, MAX_ENTRY_BYTES } from '../../../election/limits.ts';
import type { ProtocolSpec } from '../../protocol.ts';

/** A C2SP tlog-proof: the entry in base64, at most 64 hashes, and a checkpoint with its cosignatures. All of it ASCII. */
export const MAX_RECEIPT_CHARS = Math.ceil(MAX_ENTRY_BYTES / 3) * 4 + 64 * 1024;

/** A promise is a short note. */
export const MAX_PROMISE_CHARS = 4096;

/** A signed ballot in, a promise and its receipt out. Casting the same ballot again yields the same ballot's receipt. */
export const CAST: ProtocolSpec = {
  id: '/psephos/cast/1.0.0',
  maxRequestBytes: MAX_BALLOT_BYTES + 64,
  maxAnswerBytes: MAX_RECEIPT_CHARS + 64,
  maxStreams: 8,
  bulk: false,
};
