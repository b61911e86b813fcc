import { equalBytes, utf8ToBytes } from '../../base/bytes.ts';
import { sha256 } from '../../crypto/hash.ts';
import { type ClaimedPoint, type Point, type Scalar, group } from '../../crypto/group/group.ts';
import { type Bit, isSame, select } from '../../crypto/group/select.ts';
import { pointText } from './encoding/elements.ts';
import type { Ciphertext, Proof } from './messages.ts';

/** What the proofs of section 4 have in common. Points are written additively here: the specification's gˢ is s·g. */

/** Returns `length` bytes of the platform's CSPRNG. */
export type Random = (length: number) => Uint8Array;

/** SHA-256 of a text as a big-endian number modulo q: every challenge of the protocol. */
export function challengeOf(text: string): Scalar {
  return group.scalarFromHash(sha256(utf8ToBytes(text)));
}

/** response·base + challenge·element: the commitment that a proof is about. */
export function commitment(base: Point, element: Point, { challenge, response }: Proof): Point {
  return group.add(timesBase(base, response), group.multiply(challenge, element));
}

/** The same for a claimed element, with the element that it is; undefined where it is none. */
export function claimedCommitment(
  base: Point,
  claimed: ClaimedPoint,
  { challenge, response }: Proof,
): { readonly element: Point; readonly committed: Point } | undefined {
  const multiplied = group.multiplyClaimed(challenge, claimed);
  return (
    multiplied && {
      element: multiplied.point,
      committed: group.add(timesBase(base, response), multiplied.product),
    }
  );
}

function timesBase(base: Point, scalar: Scalar): Point {
  return base === group.generator ? group.multiplyBase(scalar) : group.multiply(scalar, base);
}

/** Whether the challenges add up to what the hash of `text` demands. */
export function isAnswered(text: string, proofs: readonly Proof[]): boolean {
  return equalBytes(challengeOf(text), group.sumScalars(proofs.map(({ challenge }) => challenge)));
}

/** Closes a Schnorr-like proof: the response for a commitment made with `w`, a secret and its challenge. */
export function proofFor(w: Scalar, secret: Scalar, challenge: Scalar): Proof {
  return { challenge, response: group.subtractScalars(w, group.multiplyScalars(secret, challenge)) };
}

/** A claim that a ciphertext encrypts the number whose multiple of the generator is `message`. */
export interface Claim {
  readonly ciphertext: Ciphertext;
  /** m·g; undefined for m = 0. */
  readonly message: Point | undefined;
}

/** `A,B` of one claim's proof under the key `y` (4.12, 4.13): as text, since it is only ever hashed. */
export function claimText(y: Point, claim: Claim, proof: Proof): string {
  return pairText(claimCommitments(y, claim, proof));
}

type Pair = readonly [a: Point, b: Point];

function claimCommitments(y: Point, { ciphertext, message }: Claim, proof: Proof): Pair {
  const { alpha, beta } = ciphertext;
  const rest = message === undefined ? beta : group.subtract(beta, message);
  return [commitment(group.generator, alpha, proof), commitment(y, rest, proof)];
}

function pairText([a, b]: Pair): string {
  return `${pointText(a)},${pointText(b)}`;
}

/** `claimText` of the claim that a ciphertext encrypts 0, with the ciphertext that the claimed one is; undefined where it is none. */
export function claimOfZero(
  y: Point,
  { alpha, beta }: Ciphertext<ClaimedPoint>,
  proof: Proof,
): { readonly ciphertext: Ciphertext; readonly text: string } | undefined {
  const left = claimedCommitment(group.generator, alpha, proof);
  const right = claimedCommitment(y, beta, proof);
  if (left === undefined || right === undefined) return undefined;
  return {
    ciphertext: { alpha: left.element, beta: right.element },
    text: pairText([left.committed, right.committed]),
  };
}

/**
 * Proves that one of several claims holds, and not which (4.12, 4.13): `trueAt` is the one that does, `r` its ciphertext's
 * randomness. `hashed` gives the text to hash around the commitments. Which one it is decides over no branch and no index.
 */
export function proveOneOf(
  y: Point,
  claims: readonly Claim[],
  trueAt: number,
  r: Scalar,
  hashed: (commitments: string) => string,
  random: Random,
): Proof[] {
  const w = group.randomScalar(random);
  const isTrue = claims.map((_, at) => isSame(at, trueAt));
  // Every claim costs the same work, the true one included, whichever it is.
  const simulated = claims.map(() => ({
    challenge: group.randomScalar(random),
    response: group.randomScalar(random),
  }));
  const honest: Pair = [group.multiplyBase(w), group.multiply(w, y)];
  const texts = claims.map((claim, at) => {
    const [a, b] = claimCommitments(y, claim, simulated[at] as Proof);
    const bit = isTrue[at] as Bit;
    return pairText([select(bit, a, honest[0]), select(bit, b, honest[1])]);
  });
  const others = group.sumScalars(
    simulated.map(({ challenge }, at) => select(isTrue[at] as Bit, challenge, group.zero)),
  );
  const challenge = group.subtractScalars(challengeOf(hashed(texts.join(','))), others);
  const proof = proofFor(w, r, challenge);
  return simulated.map((one, at) => ({
    challenge: select(isTrue[at] as Bit, one.challenge, proof.challenge),
    response: select(isTrue[at] as Bit, one.response, proof.response),
  }));
}
