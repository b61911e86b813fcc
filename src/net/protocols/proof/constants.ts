import { MAX_ENTRY_BYTES } from '../../../election/limits.ts';
import type { ProtocolSpec } from '../../protocol.ts';

/** The newest checkpoint, and proofs against it: that an entry is in the log, that the log only grew. */
export const PROOF: ProtocolSpec = {
  id: '/psephos/proof/1.0.0',
  maxRequestBytes: 256,
  maxAnswerBytes: MAX_ENTRY_BYTES + 64 * 1024,
  maxStreams: 4,
  bulk: false,
};
