import type { Result } from '../../../base/result.ts';
import type { ClaimedPoint, Point } from '../../../crypto/group/group.ts';
import type { VerifiedBallot } from '../ballot.ts';
import type {
  Ballot,
  Ciphertext,
  Election,
  EncryptedTally,
  PartialDecryption,
  Result as ElectionResult,
  Trustee,
} from '../messages.ts';

/** A partial decryption with its trustee's number in the flattened list, from 1. */
export interface OwnedDecryption {
  readonly owner: number;
  readonly decryption: PartialDecryption;
}

/** What of a ballot is summed. */
export interface WeightedChoices {
  readonly choices: readonly (readonly Ciphertext[])[];
  readonly weight: bigint;
}

/** The judgements of the cryptography that an audit rests on. Errors are reasons in words, for the report. */
export interface AuditCryptography {
  /**
   * Proofs of knowledge, certificates, signatures and keys of all trustees (4.5 to 4.7): the public key that they make
   * together, and each trustee's key in the order of owners.
   */
  verifyTrustees(
    trustees: readonly Trustee[],
  ): Result<{ readonly publicKey: Point; readonly keys: readonly Point[] }, string>;

  /**
   * A judge of ballots for one election: whether a ballot has the shape that the questions want, every proof holds and the
   * signature is valid for its credential and its hash (4.11 to 4.17), and its points are group elements. That the hash is right is the caller's to see.
   */
  ballotVerifier(
    election: Election,
    electionHash: string,
  ): (ballot: Ballot<ClaimedPoint>) => Result<VerifiedBallot, string>;

  /** The encrypted tally (4.18) of ballots that were verified. */
  encryptedTally(election: Election, ballots: Iterable<WeightedChoices>): EncryptedTally;

  /** Shape and proofs of a partial decryption (4.20) by the trustee with this key. */
  verifyPartialDecryption(
    electionHash: string,
    key: Point,
    tally: EncryptedTally,
    decryption: PartialDecryption,
  ): Result<void, string>;

  /**
   * Whether enough trustees took part and the tally decrypts to the result (4.21), for partial decryptions that were
   * verified. Of two by one owner the last counts.
   */
  verifyResult(
    trustees: readonly Trustee[],
    tally: EncryptedTally,
    decryptions: readonly OwnedDecryption[],
    result: ElectionResult,
  ): Result<void, string>;
}
