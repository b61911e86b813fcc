import { MAX_ENTRY_BYTES } from '../../../election/limits.ts';
import type { ProtocolSpec } from '../../protocol.ts';

/** What a trustee hands in; the answer says that it is in the log. What a trustee needs to know it reads in the log. */
export const TRUSTEE: ProtocolSpec = {
  id: '/psephos/trustee/1.0.0',
  maxRequestBytes: MAX_ENTRY_BYTES,
  maxAnswerBytes: 4096,
  maxStreams: 2,
  bulk: false,
};
