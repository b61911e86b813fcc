import type { CID } from 'multiformats/cid';
import { equalBytes } from '../base/bytes.ts';
import { decodeDagCbor, encodeDagCbor } from '../base/dag-cbor.ts';
import { type Result, err, ok } from '../base/result.ts';
import { isAcceptableKey, publicKeyOf, sign, verify } from '../crypto/signature.ts';
import { enrolmentMessage } from '../crypto/transcript.ts';
import type { EnrolledKey, Enrolment } from './entries.ts';
import { enrolmentSchema, firstIssue } from './schemas.ts';

/** More than any enrolment has. */
export const MAX_ENROLMENT_BYTES = 512;

/**
 * Signs an enrolment with both seeds, of 32 bytes each: that of the key on the roll, and that of the voter's own key. The same seeds
 * always give the same enrolment.
 */
export function signEnrolment(election: CID, seed: Uint8Array, ownSeed: Uint8Array): Enrolment {
  const [voter, key] = [publicKeyOf(seed), publicKeyOf(ownSeed)];
  const message = enrolmentMessage(election.bytes, voter, key);
  return { election, voter, key, voterSignature: sign(message, seed), keySignature: sign(message, ownSeed) };
}

export function encodeEnrolment(enrolment: Enrolment): Uint8Array {
  const { election, voter, key, voterSignature, keySignature } = enrolment;
  return encodeDagCbor({ election, voter, key, voterSignature, keySignature });
}

/** Reads what `encodeEnrolment` wrote. Says nothing of signatures: see `enrolmentProblems`. */
export function decodeEnrolment(bytes: Uint8Array): Result<Enrolment, string> {
  const decoded = decodeDagCbor(bytes, MAX_ENROLMENT_BYTES);
  if (!decoded.ok) return decoded;
  const parsed = enrolmentSchema.safeParse(decoded.value);
  return parsed.success ? ok(parsed.data) : err(firstIssue(parsed.error));
}

/**
 * Every reason why an enrolment is not sound by itself: an unacceptable key, or a signature that is not that of its key. `genesisCid`
 * are the bytes of the CID of the genesis.
 */
export function enrolmentProblems(genesisCid: Uint8Array, enrolled: EnrolledKey): string[] {
  const { voter, key, voterSignature, keySignature } = enrolled;
  const problems: string[] = [];
  if (equalBytes(voter, key)) problems.push('the new key is the old one');
  if (!isAcceptableKey(key)) problems.push('the new key is not an acceptable Ed25519 key');
  const message = enrolmentMessage(genesisCid, voter, key);
  if (!verify(voterSignature, message, voter))
    problems.push('the signature by the key on the roll is not valid');
  if (!verify(keySignature, message, key)) problems.push('the signature by the new key is not valid');
  return problems;
}

/** Whether two enrolments are the same, signatures included. */
export function equalEnrolments(one: EnrolledKey, other: EnrolledKey): boolean {
  return (
    equalBytes(one.voter, other.voter) &&
    equalBytes(one.key, other.key) &&
    equalBytes(one.voterSignature, other.voterSignature) &&
    equalBytes(one.keySignature, other.keySignature)
  );
}
