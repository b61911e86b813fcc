import type { subjectOf } from '../receipt-check.ts';
import type { Fork } from './chain.ts';

/** What the authority did that it must not do. */
export type VoterAlarm =
  | ({ readonly type: 'fork' } & Fork)
  /** It signed for `kept` entries, which `checkpoint` proves and somebody saw, and shows fewer. */
  | {
      readonly type: 'rolled-back';
      readonly kept: number;
      readonly shown: number;
      readonly checkpoint: string;
    }
  /** It has as many entries as `checkpoint`, which it signed and somebody saw, and does not prove that its log goes on from there. */
  | { readonly type: 'unproven'; readonly size: number; readonly checkpoint: string }
  /** What it gave a receipt for is not in the log that it shows; `evidence` is a file's text. */
  | ({ readonly type: 'omission'; readonly reason: string; readonly evidence: string } & ReceiptSubject);

/** A ballot by its tracker, or an enrolled key in hex. */
export type ReceiptSubject = ReturnType<typeof subjectOf>;

/** What became of a ballot that was cast from here earlier, or of a key. */
export interface EarlierReceipt {
  readonly subject: ReceiptSubject;
  readonly round: number | null;
  readonly index: number;
  /** `unknown` where the peer could not say; `reason` is why. */
  readonly found: 'found' | 'missing' | 'unknown';
  readonly reason: string | null;
}

/** What was found out before anything else was done. */
export interface Visit {
  readonly earlier: readonly EarlierReceipt[];
  /** An observer that shows less of the log than was seen before. */
  readonly behind: { readonly shown: number; readonly kept: number } | null;
}

/** A peer whose word was worth nothing. */
export interface BadPeer {
  readonly peer: string;
  readonly reason: string;
}
