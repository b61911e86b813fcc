/** Why a ballot is not accepted. The codes are also those that travel on the wire (docs/PROTOCOL). */
export type RefusalCode =
  | 'malformed'
  | 'too-large'
  | 'wrong-election'
  | 'not-open'
  | 'closed'
  | 'unknown-voter'
  | 'already-voted'
  | 'bad-signature'
  | 'bad-proof';

export interface Refusal {
  readonly code: RefusalCode;
  /** For people; names no secret and no choice. */
  readonly message: string;
}
