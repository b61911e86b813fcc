import { MAX_EVIDENCE, MAX_EVIDENCE_CHARS } from '../../../services/witness-limits.ts';
import type { ProtocolSpec } from '../../protocol.ts';

/** What peers tell each other of checkpoints, and what voters' programs found. */
export const WITNESS: ProtocolSpec = {
  id: '/psephos/witness/1.0.0',
  maxRequestBytes: MAX_EVIDENCE * MAX_EVIDENCE_CHARS + 64 * 1024,
  // Besides evidence, observers' addresses and checkpoints with cosignatures.
  maxAnswerBytes: MAX_EVIDENCE * MAX_EVIDENCE_CHARS + 1024 * 1024,
  maxStreams: 2,
  bulk: false,
};
