import { equalBytes } from '../base/bytes.ts';
import { refused } from '../base/errors.ts';
import { proveBound } from '../belenios/v1/bound-decryption.ts';
import { decryptPartially } from '../belenios/v1/decryption.ts';
import type { GivenDecryption } from '../belenios/v1/decrypting.ts';
import { problemText } from '../belenios/v1/encoding/problem.ts';
import { decodeEncryptedTally, encodePartialDecryption } from '../belenios/v1/encoding/tally.ts';
import type { Random } from '../belenios/v1/proofs.ts';
import type { SealedRound, SoundTrustees } from '../belenios/v1/sealed-round.ts';
import { type Scalar, group } from '../crypto/group/group.ts';
import type { TallyEntry } from '../election/entries.ts';

/**
 * A trustee's own part in decrypting a tally. Whoever calls it has checked that the tally is that of the log's ballots: it decrypts
 * whatever it is given. `trustee` is needed where several have one secret (a group of which one member is enough). Throws `not-a-trustee` where the secret is none of the trustees', and `store-damaged` for a tally that can't be read.
 */
export function decryptWith(
  secret: Scalar,
  trustees: SoundTrustees,
  sealed: SealedRound,
  tally: Pick<TallyEntry, 'encryptedTally'>,
  random: Random,
  trustee = trusteeNumber(secret, trustees),
): GivenDecryption {
  const read = decodeEncryptedTally(tally.encryptedTally);
  if (!read.ok)
    throw refused('store-damaged', `The encrypted tally can't be read: ${problemText(read.error)}.`);
  const { electionHash } = sealed;
  const partial = decryptPartially(electionHash, secret, read.value, random);
  const statement = {
    electionHash,
    trustee,
    key: group.multiplyBase(secret),
    tally: read.value,
    factors: partial.decryptionFactors,
  };
  return {
    trustee,
    partialDecryption: encodePartialDecryption(partial),
    proof: proveBound(statement, secret, random),
  };
}

/** The number of the trustee with this secret. Throws `not-a-trustee`. */
export function trusteeNumber(secret: Scalar, { keys }: SoundTrustees): number {
  const key = group.multiplyBase(secret);
  const index = keys.findIndex((one) => equalBytes(one, key));
  if (index === -1) {
    throw refused('not-a-trustee', 'The key is not that of a trustee of this election.', {
      hint: 'Check that this is the key file whose public part you gave the organiser for this election.',
    });
  }
  return index + 1;
}
