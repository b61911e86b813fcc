import { toHex, utf8ToBytes } from '../../../base/bytes.ts';
import type { Point, Scalar } from '../../../crypto/group/group.ts';
import { sha256 } from '../../../crypto/hash.ts';
import type { CeremonyStep } from '../../../election/entries.ts';
import { decodeProof, encodeProof } from '../encoding/proof.ts';
import type { Random } from '../proofs.ts';
import { isSigned, signMessage } from '../signed-message.ts';

type Unsigned = Omit<CeremonyStep, 'signature'>;

/**
 * Signs a step as a whole, as Belenios signs messages (4.6.1). Belenios leaves parts of them unsigned (the encrypted secrets, the certificate's
 * place in a list), so that whoever passes them on could change them and have their author blamed. `ceremony` is the CID of the
 * ceremony's start, as text. The key is that of the author's first step: the secret key of a single trustee, a member's signing secret.
 */
export function signStep(ceremony: string, step: Unsigned, key: Scalar, random: Random): CeremonyStep {
  return {
    ...step,
    signature: encodeProof(signMessage(key, signedText(ceremony, step), random).signature),
  };
}

/** Whether a step is signed with the secret of this public key. */
export function isSignedStep(ceremony: string, step: CeremonyStep, key: Point): boolean {
  const signature = decodeProof(step.signature);
  return signature.ok && isSigned(key, signedText(ceremony, step), signature.value);
}

function signedText(ceremony: string, { kind, trustee, text }: Unsigned): string {
  return `psephos-step|${ceremony}|${trustee}|${kind}|${toHex(sha256(utf8ToBytes(text)))}`;
}
