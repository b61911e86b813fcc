import { equalBytes } from '../../base/bytes.ts';
import { type Result, err, ok } from '../../base/result.ts';
import { type Point, type Scalar, group } from '../../crypto/group/group.ts';
import { pointText } from './encoding/elements.ts';
import type { Proof, SignedMessage } from './messages.ts';
import { type Random, challengeOf, commitment, proofFor } from './proofs.ts';

/** What a member of a threshold group keeps secret while the group makes its key (4.6.1). Neither is the member's share. */
export interface MemberSecrets {
  /** Signs the member's messages. */
  readonly signing: Scalar;
  /** Opens what is sent to the member. */
  readonly decryption: Scalar;
}

const SEED = /^[1-9A-HJ-NP-Za-km-z]{22}$/;

/** Both secrets of the member with this seed, 22 Base58 characters (4.6.1). The error has nothing of the seed in it. */
export function memberSecrets(seed: string): Result<MemberSecrets, string> {
  if (!SEED.test(seed))
    return err("a trustee's seed has 22 characters, digits and letters without 0, I, O and l");
  return ok({ signing: challengeOf(`sk|${seed}`), decryption: challengeOf(`dk|${seed}`) });
}

/** Signs a message with a member's signing secret (4.6.1). */
export function signMessage(signing: Scalar, message: string, random: Random): SignedMessage {
  const w = group.randomScalar(random);
  const challenge = signatureChallenge(message, group.multiplyBase(w));
  return { message, signature: proofFor(w, signing, challenge) };
}

/** Whether a signature of a message is that of the member with this verification key (4.6.1). */
export function isSigned(verification: Point, message: string, signature: Proof): boolean {
  const committed = commitment(group.generator, verification, signature);
  return equalBytes(signatureChallenge(message, committed), signature.challenge);
}

function signatureChallenge(message: string, committed: Point): Scalar {
  return challengeOf(`sigmsg|${message}|${pointText(committed)}`);
}
