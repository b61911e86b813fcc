import { MAX_ENTRY_BYTES, MAX_NAME_BYTES } from '../../../election/limits.ts';
import type { ProtocolSpec } from '../../protocol.ts';

/** What the election is and how it stands; or, on a named voter, what the log says of that voter. */
export const INFO: ProtocolSpec = {
  id: '/psephos/info/1.0.0',
  maxRequestBytes: MAX_NAME_BYTES + 256,
  // Genesis, trustees, round and draft, each as large as an entry may be, with proofs and checkpoint.
  maxAnswerBytes: 4 * MAX_ENTRY_BYTES + 128 * 1024,
  maxStreams: 4,
  bulk: false,
};
