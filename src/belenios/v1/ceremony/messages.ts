import type { Point } from '../../../crypto/group/group.ts';
import type { Proof, SignedMessage, TrusteePublicKey } from '../messages.ts';

/** The messages by which trustees make a threshold key (specification, section 4.6), as values. `encoding/ceremony.ts` has their texts. */

/** 4.6.1. `algorithm` is there from Belenios 3.1 on. */
export interface EncryptedMessage {
  readonly algorithm?: string;
  readonly alpha: Point;
  readonly beta: Point;
  readonly data: string;
}

/** 4.6.4: from one trustee. `polynomial` and `secrets` are texts of encrypted messages. */
export interface PolynomialMessage {
  readonly polynomial: string;
  readonly secrets: readonly string[];
  readonly coefexps: SignedMessage;
  readonly signature: Proof;
}

/** 4.6.5: for one trustee, of what all have sent. */
export interface Vinput {
  readonly polynomial: string;
  readonly secrets: readonly string[];
  readonly coefexps: readonly SignedMessage[];
  readonly signatures: readonly Proof[];
}

/** 4.6.6: from one trustee. `privateKey` is the text of an encrypted message to itself. */
export interface Voutput {
  readonly privateKey: string;
  readonly publicKey: TrusteePublicKey;
}
