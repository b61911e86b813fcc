import { toHex, utf8ToBytes } from '../../../base/bytes.ts';
import type { Point, Scalar } from '../../../crypto/group/group.ts';
import { sha256 } from '../../../crypto/hash.ts';
import type { CeremonyStep } from '../../../election/entries.ts';
import { decodeProof, encodeProof } from '../encoding/proof.ts';
import type { Random } from '../proofs.ts';
import { isSigned, signMessage } from '../signed-message.ts';

type Unsigned = Omit<CeremonyStep, 'signature'>;

/** What a step is signed for. */
export interface StepContext {
  /** CID of the ceremony's start, as text. */
  readonly ceremony: string;
  /** The texts that it answers to, by trustee: all certificates, or all polynomials; none for a first step. */
  readonly answers: readonly string[];
}

/**
 * Signs a step as a whole, as Belenios signs messages (4.6.1). Belenios leaves parts of them unsigned (the encrypted secrets, the certificate's
 * place in a list), so that whoever passes them on could change them and have their author blamed. A step is signed for what it answers to as well: in
 * another log of the same ceremony it is nobody's. The key is that of the author's first step: the secret key of a single trustee, a member's signing secret.
 */
export function signStep(context: StepContext, step: Unsigned, key: Scalar, random: Random): CeremonyStep {
  return {
    ...step,
    signature: encodeProof(signMessage(key, signedText(context, step), random).signature),
  };
}

/** Whether a step is signed with the secret of this public key. */
export function isSignedStep(context: StepContext, step: CeremonyStep, key: Point): boolean {
  const signature = decodeProof(step.signature);
  return signature.ok && isSigned(key, signedText(context, step), signature.value);
}

function signedText({ ceremony, answers }: StepContext, { kind, trustee, text }: Unsigned): string {
  const hash = (of: string) => toHex(sha256(utf8ToBytes(of)));
  return `psephos-step|${ceremony}|${trustee}|${kind}|${hash(text)}|${hash(answers.map(hash).join(','))}`;
}
