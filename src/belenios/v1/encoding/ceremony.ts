import type { Result } from '../../../base/result.ts';
import type { Point, Scalar } from '../../../crypto/group/group.ts';
import type { EncryptedMessage, PolynomialMessage, Vinput, Voutput } from '../ceremony/messages.ts';
import type { Proof, SignedMessage } from '../messages.ts';
import { type Codec, integer, list, mapped, optional, record, text } from './codec.ts';
import { decodeAsItStands, decodeStrictly } from './decode.ts';
import { hash, point, proof } from './elements.ts';
import type { DecodeLimits } from './limits.ts';
import { LARGEST_JSON_NUMBER } from './numbers.ts';
import type { DecodeProblem } from './problem.ts';
import { secretScalar } from './secret-decimal.ts';
import { signedMessage, trusteePublicKey } from './trustees.ts';

/**
 * The texts of section 4.6. What travels by itself has one canonical text; what is inside a signature or an encryption counts as it stands,
 * since its bytes are what was signed.
 */

/** A polynomial message of twenty trustees has some 30 KB. */
const CEREMONY_LIMITS: DecodeLimits = { maxLength: 2 ** 18, maxItems: 64, maxDepth: 8 };

interface Text<T> {
  encode(value: T): string;
  decode(source: string): Result<T, DecodeProblem>;
}

const canonical = <T>(codec: Codec<T>): Text<T> => ({
  encode: (value) => codec.write(value),
  decode: (source) => decodeStrictly(codec, source, CEREMONY_LIMITS),
});

const enclosed = <T>(codec: Codec<T>): Text<T> => ({
  encode: (value) => codec.write(value),
  decode: (source) => decodeAsItStands(codec, source, CEREMONY_LIMITS),
});

/** A certificate (4.6.2), and any other signed message that travels by itself. */
export const signedMessageText: Text<SignedMessage> = canonical(signedMessage);

export const certificateListText: Text<readonly SignedMessage[]> = canonical(list(signedMessage));

/** 4.6.4 */
export const polynomialText: Text<PolynomialMessage> = canonical(
  record({ polynomial: text, secrets: list(text), coefexps: signedMessage, signature: proof }),
);

/** 4.6.5 */
export const vinputText: Text<Vinput> = canonical(
  record({ polynomial: text, secrets: list(text), coefexps: list(signedMessage), signatures: list(proof) }),
);

/** 4.6.6 */
export const voutputText: Text<Voutput> = canonical(
  record({ private_key: text, public_key: trusteePublicKey }),
);

/** 4.6.1 */
export const encryptedMessageText: Text<EncryptedMessage> = enclosed(
  record({ algorithm: optional(text), alpha: point, beta: point, data: text }),
);

/** 4.6.3: the signed message inside an encryption, and what it says. */
export const channelSignedText: Text<SignedMessage> = enclosed(signedMessage);
export const channelText: Text<{ readonly recipient: Point; readonly message: string }> = enclosed(
  record({ recipient: point, message: text }),
);

/** 4.6.4: a trustee's own polynomial, for itself. */
export const rawPolynomialText: Text<readonly Scalar[]> = enclosed(
  mapped(
    record({ polynomial: list(secretScalar) }),
    ({ polynomial }) => polynomial,
    (polynomial) => ({ polynomial }),
  ),
);

/** 4.6.4: the polynomial's value for one trustee. */
export const secretText: Text<Scalar> = enclosed(
  mapped(
    record({ secret: secretScalar }),
    ({ secret }) => secret,
    (secret) => ({ secret }),
  ),
);

/** 4.6.6: a trustee's share, for itself. The field's name is in Belenios' program, not in the specification. */
export const shareText: Text<Scalar> = enclosed(
  mapped(
    record({ decryption_key: secretScalar }),
    ({ decryptionKey }) => decryptionKey,
    (decryptionKey) => ({ decryptionKey }),
  ),
);

/** What a complaint says; not of Belenios. */
export interface ComplaintContent {
  /** Of the certificates, hexadecimal. */
  readonly ceremony: string;
  readonly complainer: number;
  readonly sender: number;
  readonly coefexps: SignedMessage;
  readonly secret: string;
  readonly shared: Point;
  readonly proof: Proof;
}

export const complaintContentText: Text<ComplaintContent> = canonical(
  record({
    ceremony: hash,
    complainer: integer(1, LARGEST_JSON_NUMBER),
    sender: integer(1, LARGEST_JSON_NUMBER),
    coefexps: signedMessage,
    secret: text,
    shared: point,
    proof,
  }),
);
