import type { ClaimedPoint, Point, Scalar } from '../../crypto/group/group.ts';

/**
 * The messages of the Belenios protocol, version 1 (specification, section 4), as values: points and scalars are decoded
 * and checked, everything else is as it stands in the JSON. Of a ballot there is a form with claimed points too, whose check is part
 * of the verification. `encoding/` turns them into their one JSON text and back.
 */
export const PROTOCOL_VERSION = 1;
export const GROUP_NAME = 'Ed25519';

/** A non-interactive Schnorr-like proof (4.3). */
export interface Proof {
  readonly challenge: Scalar;
  readonly response: Scalar;
}

/** An exponential ElGamal encryption (4.3). */
export interface Ciphertext<P extends ClaimedPoint = Point> {
  readonly alpha: P;
  readonly beta: P;
}

/** A question whose answers are summed under encryption (4.9.1). `blank` keeps apart what the JSON says: absent is not false. */
export interface Question {
  readonly answers: readonly string[];
  readonly blank?: boolean;
  readonly min: number;
  readonly max: number;
  readonly question: string;
}

/** 4.10 */
export interface Election {
  readonly description: string;
  readonly name: string;
  readonly publicKey: Point;
  readonly questions: readonly Question[];
  readonly uuid: string;
  readonly administrator?: string;
  readonly credentialAuthority?: string;
}

/** 4.11.1: with blank votes, the first ciphertext says whether the vote is blank. */
export interface Answer<P extends ClaimedPoint = Point> {
  readonly choices: readonly Ciphertext<P>[];
  readonly individualProofs: readonly (readonly Proof[])[];
  readonly overallProof: readonly Proof[];
  readonly blankProof?: readonly Proof[];
}

/** 4.17; `signature.hash` is the compact Base64 SHA-256 of the ballot's text without its signature (4.16). */
export interface Ballot<P extends ClaimedPoint = Point> {
  readonly electionUuid: string;
  readonly electionHash: string;
  readonly credential: P;
  readonly answers: readonly Answer<P>[];
  readonly signature: { readonly hash: string; readonly proof: Proof };
}

/** 4.5; `name` exists in Belenios' own program, not in the specification. */
export interface TrusteePublicKey {
  readonly pok: Proof;
  readonly publicKey: Point;
  readonly signature?: Proof;
  readonly name?: string;
}

/** 4.6.1 */
export interface SignedMessage {
  readonly message: string;
  readonly signature: Proof;
}

/** 4.6.7 */
export interface ThresholdParameters {
  readonly threshold: number;
  readonly certs: readonly SignedMessage[];
  readonly coefexps: readonly SignedMessage[];
  readonly signatures: readonly Proof[];
  readonly verificationKeys: readonly TrusteePublicKey[];
}

/** 4.7 */
export type Trustee =
  | { readonly kind: 'Single'; readonly key: TrusteePublicKey }
  | { readonly kind: 'Pedersen'; readonly parameters: ThresholdParameters };

/** One line of the list of public credentials (4.8). `weight` is undefined where the list states none, which means 1. */
export interface PublicCredential {
  readonly key: Point;
  readonly weight?: bigint;
}

/** 4.18: per question, per cell. */
export type EncryptedTally = readonly (readonly Ciphertext[])[];

/** 4.18; `encryptedTally` is the hex SHA-256 of the encrypted tally's text. */
export interface SizedEncryptedTally {
  readonly numTallied: number;
  readonly totalWeight: bigint;
  readonly encryptedTally: string;
}

/** 4.20: per question, per cell. */
export interface PartialDecryption {
  readonly decryptionFactors: readonly (readonly Point[])[];
  readonly decryptionProofs: readonly (readonly Proof[])[];
}

/** 4.21: weighted votes per question and cell. */
export type Result = readonly (readonly bigint[])[];
