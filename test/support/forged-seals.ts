import { compactHash } from '#src/belenios/v1/encoding/hashes.js';
import { pointText } from '#src/belenios/v1/encoding/elements.js';
import { scalarFromDecimal, scalarToDecimal } from '#src/belenios/v1/encoding/group-elements.js';
import { challengeOf, proofFor } from '#src/belenios/v1/proofs.js';
import { type ClaimedPoint, GROUP_ORDER, type Scalar, group } from '#src/crypto/group/group.js';
import { platformRandom } from '#src/services/platform-random.js';

interface ProofJson {
  challenge: string;
  response: string;
}

interface AnswerJson {
  choices: { alpha: string; beta: string }[];
  individual_proofs: ProofJson[][];
  overall_proof: ProofJson[];
  blank_proof?: ProofJson[];
}

/** The text of a sealed ballot without its inner signature, as JSON: what a voter who writes their own program can send. */
export interface SealJson {
  election_uuid: string;
  election_hash: string;
  credential: string;
  answers: AnswerJson[];
}

/** The text without its inner signature. */
export function unsignedText(sealed: string): string {
  return `${sealed.slice(0, sealed.lastIndexOf(',"signature":'))}}`;
}

/** A whole text again: the unsigned one, whatever it says, with the inner signature that fits it. */
export function innerSigned(unsigned: string, secret: Scalar): string {
  const hash = compactHash(unsigned);
  const w = group.randomScalar(platformRandom);
  const challenge = challengeOf(`sig|${hash}|${pointText(group.multiplyBase(w))}`);
  const proof = proofFor(w, secret, challenge);
  const proofText = `{"challenge":"${scalarToDecimal(proof.challenge)}","response":"${scalarToDecimal(proof.response)}"}`;
  return `${unsigned.slice(0, -1)},"signature":{"hash":"${hash}","proof":${proofText}}}`;
}

/** A text with something changed in what it says, and signed anew by its voter. */
export function forged(sealed: string, secret: Scalar, change: (json: SealJson) => void): string {
  const json = JSON.parse(unsignedText(sealed)) as SealJson;
  change(json);
  return innerSigned(JSON.stringify(json), secret);
}

/** The first answer of a text. */
export function firstAnswer({ answers }: SealJson): AnswerJson {
  const [answer] = answers;
  if (answer === undefined) throw new Error('a ballot without answers');
  return answer;
}

/** The first ciphertext of the first answer. */
export function firstCell(json: SealJson): { alpha: string; beta: string } {
  const [cell] = firstAnswer(json).choices;
  if (cell === undefined) throw new Error('an answer without ciphertexts');
  return cell;
}

/** The first proof about the first ciphertext. */
export function firstProof(json: SealJson): ProofJson {
  const proof = firstAnswer(json).individual_proofs[0]?.[0];
  if (proof === undefined) throw new Error('an answer without proofs');
  return proof;
}

/** Other digits for the same number modulo q. */
export function plusOrder(digits: string): string {
  return (BigInt(digits) + GROUP_ORDER).toString();
}

/** The number after it modulo q. */
export function plusOne(digits: string): string {
  const scalar = scalarFromDecimal(digits);
  if (scalar === undefined) throw new Error('no scalar');
  return ((BigInt(digits) + 1n) % GROUP_ORDER).toString();
}

/** The bytes of a point as the protocol writes it. */
export function pointBytes(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'hex')).toReversed();
}

/** Any 32 bytes as the protocol writes points. */
export function writtenPoint(bytes: Uint8Array): string {
  return pointText(bytes as ClaimedPoint);
}
