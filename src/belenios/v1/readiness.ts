import { equalBytes } from '../../base/bytes.ts';
import { type Result, err, ok } from '../../base/result.ts';
import { type Point, type Scalar, group } from '../../crypto/group/group.ts';
import { pointText } from './encoding/elements.ts';
import { problemText } from './encoding/problem.ts';
import { decodeProof, encodeProof } from './encoding/proof.ts';
import { type Random, challengeOf, commitment, proofFor } from './proofs.ts';

/** What a proof of readiness is for: one call in one election's log, so that an old answer can't be given again. */
export interface ReadinessCall {
  readonly electionId: string;
  /** CID of the call's entry, as text. */
  readonly call: string;
  /** Whose answer it is, from 1: members of a group of which one is enough all have one key. */
  readonly trustee: number;
}

/**
 * A trustee's proof that it holds its secret (or its share of one) now: Schnorr's, made non-interactive as the protocol's other proofs
 * are (4.5), under a tag of our own, which none of them begins with.
 */
export function proveReadiness(call: ReadinessCall, secret: Scalar, random: Random): string {
  const w = group.randomScalar(random);
  const challenge = challengeOf(readinessText(call, group.multiplyBase(secret), group.multiplyBase(w)));
  return encodeProof(proofFor(w, secret, challenge));
}

/** Whether such a proof is the trustee's with this public key. The error says what is wrong. */
export function verifyReadiness(call: ReadinessCall, key: Point, text: string): Result<void, string> {
  const read = decodeProof(text);
  if (!read.ok) return err(problemText(read.error));
  const challenge = challengeOf(readinessText(call, key, commitment(group.generator, key, read.value)));
  return equalBytes(challenge, read.value.challenge)
    ? ok(undefined)
    : err('the proof of holding the key does not hold');
}

function readinessText({ electionId, call, trustee }: ReadinessCall, key: Point, committed: Point): string {
  return `psephos-ready|${electionId}|${call}|${trustee}|${pointText(key)}|${pointText(committed)}`;
}
