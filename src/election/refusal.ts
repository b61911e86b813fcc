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

/** What of a ballot a refusal is about: an audit puts it under the check of that name. */
export type RefusalSubject = 'encoding' | 'window' | 'vote' | 'voter' | 'revote' | 'signature';

export interface Refusal {
  readonly code: RefusalCode;
  readonly about: RefusalSubject;
  /** For people; names no secret and no choice. */
  readonly message: string;
}
