import { MAX_ENROLMENT_BYTES } from '../../../election/enrolment.ts';
import type { ProtocolSpec } from '../../protocol.ts';

/** A tlog-proof of so small an entry: its base64, at most 64 hashes, and a checkpoint with its cosignatures. */
export const MAX_ENROLMENT_RECEIPT_CHARS = 64 * 1024;

/** A voter's own key in, signed by it and by the key on the roll; the receipt of its entry out. */
export const ENROL: ProtocolSpec = {
  id: '/psephos/enrol/1.0.0',
  maxRequestBytes: MAX_ENROLMENT_BYTES + 64,
  maxAnswerBytes: MAX_ENROLMENT_RECEIPT_CHARS + 64,
  maxStreams: 2,
  bulk: false,
};
