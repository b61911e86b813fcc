import { MAX_ENTRY_BYTES } from '../../../election/limits.ts';
import { LOG_FRAME_BYTES } from '../../limits.ts';
import type { ProtocolSpec } from '../../protocol.ts';

/** A range of the log's entries or checkpoints, and what is added to it while the peer listens. */
export const LOG: ProtocolSpec = {
  id: '/psephos/log/1.0.0',
  maxRequestBytes: 256,
  // A frame is sent once it has LOG_FRAME_BYTES; the entry that completes it may be the longest.
  maxAnswerBytes: LOG_FRAME_BYTES + MAX_ENTRY_BYTES + 64 * 1024,
  maxStreams: 4,
  bulk: true,
};
