import type { Result } from '../../../base/result.ts';
import type { Proof } from '../messages.ts';
import { decodeStrictly } from './decode.ts';
import { proof } from './elements.ts';
import { MESSAGE_LIMITS } from './limits.ts';
import type { DecodeProblem } from './problem.ts';

/** The text of a proof that stands by itself (4.3). */
export function encodeProof(value: Proof): string {
  return proof.write(value);
}

export function decodeProof(source: string): Result<Proof, DecodeProblem> {
  return decodeStrictly(proof, source, MESSAGE_LIMITS);
}
