import { ed25519 } from '@noble/curves/ed25519.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { toHex, utf8ToBytes } from '#src/base/bytes.js';
import { type Result, err, ok } from '#src/base/result.js';
import type { AuditCryptography, OwnedDecryption } from '#src/belenios/v1/audit/cryptography.js';
import { pointText } from '#src/belenios/v1/encoding/elements.js';
import {
  decodeCertificateKeys,
  decodeCoefexps,
  encodeCertificatesAndCoefexps,
} from '#src/belenios/v1/encoding/trustees.js';
import type {
  Answer,
  Ballot,
  Ciphertext,
  Election,
  Proof,
  Question,
  ThresholdParameters,
  Trustee,
  TrusteePublicKey,
} from '#src/belenios/v1/messages.js';
import { backend as portable } from '#src/crypto/backends/noble.js';
import { type ClaimedPoint, type Point as Encoded, Group } from '#src/crypto/group/group.js';

/**
 * The equations of the specification, written down one by one over a portable library: slow, and independent of the code
 * under src/, so that the audit can be tried by itself.
 */

const { Point } = ed25519;
type Point = InstanceType<typeof Point>;
const Q = Point.Fn.ORDER;
const g = Point.BASE;

interface Pair {
  readonly alpha: Point;
  readonly beta: Point;
}

const modQ = (value: bigint): bigint => ((value % Q) + Q) % Q;
const decoded = (bytes: Encoded): Point => Point.fromBytes(bytes);
const encoded = (point: Point): Encoded => point.toBytes() as Encoded;
const text = (point: Point): string => pointText(encoded(point));
const number = (scalar: Uint8Array): bigint => BigInt(`0x${toHex(scalar.toReversed())}`);
const power = (base: Point, exponent: bigint): Point =>
  modQ(exponent) === 0n || base.is0() ? Point.ZERO : base.multiplyUnsafe(modQ(exponent));
const product = (points: readonly Point[]): Point => points.reduce((a, b) => a.add(b), Point.ZERO);
const hash = (source: string): bigint => modQ(BigInt(`0x${toHex(sha256(utf8ToBytes(source)))}`));
const challenges = (proofs: readonly Proof[]): bigint =>
  modQ(proofs.reduce((sum, { challenge }) => sum + number(challenge), 0n));
const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);
const pairOf = ({ alpha, beta }: Ciphertext): Pair => ({ alpha: decoded(alpha), beta: decoded(beta) });
const check = (holds: boolean, reason: string): Result<void, string> => (holds ? ok(undefined) : err(reason));

/** base^response * element^challenge */
const commitment = (base: Point, element: Point, { challenge, response }: Proof): Point =>
  power(base, number(response)).add(power(element, number(challenge)));

/** `A,B` for the claim that a pair encrypts m. */
const claim = (y: Point, { alpha, beta }: Pair, m: number, proof: Proof): string =>
  `${text(commitment(g, alpha, proof))},${text(commitment(y, beta.subtract(power(g, BigInt(m))), proof))}`;

const isSigned = (key: Point, message: string, proof: Proof): boolean =>
  hash(`sigmsg|${message}|${text(commitment(g, key, proof))}`) === number(proof.challenge);

const isInInterval = (
  s: string,
  y: Point,
  pair: Pair,
  sums: readonly number[],
  proofs: readonly Proof[],
): boolean =>
  proofs.length === sums.length &&
  hash(
    `prove|${s}|${text(pair.alpha)},${text(pair.beta)}|${proofs
      .map((proof, i) => claim(y, pair, sums[i] ?? NaN, proof))
      .join(',')}`,
  ) === challenges(proofs);

function isKnown({ pok, publicKey }: TrusteePublicKey): boolean {
  const key = decoded(publicKey);
  return hash(`pok|Ed25519|${text(key)}|${text(commitment(g, key, pok))}`) === number(pok.challenge);
}

function thresholdKey(parameters: ThresholdParameters): Result<Point, string> {
  const { threshold, certs, coefexps, signatures, verificationKeys } = parameters;
  const size = certs.length;
  if ([coefexps, signatures, verificationKeys].some(({ length }) => length !== size)) return err('lengths');
  const coefficients: Point[][] = [];
  for (const [i, cert] of certs.entries()) {
    const keys = decodeCertificateKeys(cert.message);
    const own = coefexps[i] && decodeCoefexps(coefexps[i].message);
    const [signature, coefexp] = [signatures[i], coefexps[i]];
    if (!keys.ok || own?.ok !== true || signature === undefined || coefexp === undefined)
      return err('message');
    const { context, verification } = keys.value;
    const key = decoded(verification);
    const expected = { group: 'Ed25519', size, threshold, index: i + 1 };
    if (JSON.stringify(context) !== JSON.stringify(expected)) return err('context');
    if (own.value.length !== threshold) return err('threshold');
    if (!isSigned(key, cert.message, cert.signature)) return err('signature of a certificate');
    if (!isSigned(key, coefexp.message, coefexp.signature)) return err('signature of coefficients');
    const all = `certs_sig|${encodeCertificatesAndCoefexps(certs, own.value)}`;
    if (!isSigned(key, all, signature)) return err('signature of all certificates');
    coefficients.push(own.value.map(decoded));
  }
  for (const [i, key] of verificationKeys.entries()) {
    const expected = product(
      coefficients.flatMap((own) => own.map((point, k) => power(point, BigInt(i + 1) ** BigInt(k)))),
    );
    if (!expected.equals(decoded(key.publicKey)) || !isKnown(key)) return err('verification key');
  }
  return ok(product(coefficients.map(([first = Point.ZERO]) => first)));
}

function verifyTrustees(
  trustees: readonly Trustee[],
): Result<{ publicKey: Encoded; keys: readonly Encoded[] }, string> {
  const keys: Encoded[] = [];
  const parts: Point[] = [];
  for (const trustee of trustees) {
    if (trustee.kind === 'Single') {
      if (!isKnown(trustee.key)) return err('proof of knowledge');
      keys.push(trustee.key.publicKey);
      parts.push(decoded(trustee.key.publicKey));
    } else {
      const key = thresholdKey(trustee.parameters);
      if (!key.ok) return key;
      keys.push(...trustee.parameters.verificationKeys.map(({ publicKey }) => publicKey));
      parts.push(key.value);
    }
  }
  return ok({ publicKey: encoded(product(parts)), keys });
}

function verifyAnswer(y: Point, s0: string, question: Question, answer: Answer): Result<void, string> {
  const blank = question.blank === true;
  const cells = question.answers.length + (blank ? 1 : 0);
  const { choices, individualProofs, overallProof, blankProof } = answer;
  if (choices.length !== cells || individualProofs.length !== cells) return err('number of choices');
  if ((blankProof !== undefined) !== blank) return err('blank_proof');
  const pairs = choices.map(pairOf);
  for (const [i, pair] of pairs.entries()) {
    if (!isInInterval(s0, y, pair, [0, 1], individualProofs[i] ?? [])) return err(`individual proof ${i}`);
  }
  const s = `${s0}|${pairs.map(({ alpha, beta }) => `${text(alpha)},${text(beta)}`).join(',')}`;
  const summed = pairs.slice(blank ? 1 : 0);
  const sum = {
    alpha: product(summed.map(({ alpha }) => alpha)),
    beta: product(summed.map(({ beta }) => beta)),
  };
  const sums = range(question.min, question.max);
  if (blankProof === undefined) return check(isInInterval(s, y, sum, sums, overallProof), 'overall proof');
  const [first] = pairs;
  const [zero, others] = blankProof;
  if (first === undefined || zero === undefined || others === undefined || blankProof.length !== 2) {
    return err('blank proof');
  }
  if (
    hash(`bproof0|${s}|${claim(y, first, 0, zero)},${claim(y, sum, 0, others)}`) !== challenges(blankProof)
  ) {
    return err('blank proof');
  }
  const claims = overallProof.map((proof, i) =>
    i === 0 ? claim(y, first, 1, proof) : claim(y, sum, sums[i - 1] ?? 0, proof),
  );
  return check(
    overallProof.length === sums.length + 1 &&
      hash(`bproof1|${s}|${claims.join(',')}`) === challenges(overallProof),
    'overall proof',
  );
}

const group = new Group(portable);

/** The ballot, if all its points are elements of the group. */
function withElements(ballot: Ballot<ClaimedPoint>): Ballot | undefined {
  const pairs = ballot.answers.flatMap(({ choices }) => choices);
  const points = [ballot.credential, ...pairs.flatMap(({ alpha, beta }) => [alpha, beta])];
  return points.every((point) => group.decode(point) !== undefined) ? (ballot as Ballot) : undefined;
}

function verifyBallot(election: Election, electionHash: string, ballot: Ballot): Result<void, string> {
  const credential = decoded(ballot.credential);
  const { hash: signed, proof } = ballot.signature;
  if (hash(`sig|${signed}|${text(commitment(g, credential, proof))}`) !== number(proof.challenge)) {
    return err('signature');
  }
  if (ballot.answers.length !== election.questions.length) return err('number of answers');
  for (const [i, question] of election.questions.entries()) {
    const answer = ballot.answers[i];
    if (answer === undefined) return err('number of answers');
    const s0 = `${electionHash}|${text(credential)}`;
    const verified = verifyAnswer(decoded(election.publicKey), s0, question, answer);
    if (!verified.ok) return verified;
  }
  return ok(undefined);
}

/** Product of the factors of all trustees for one cell; undefined when some are missing. */
function factorOf(
  trustees: readonly Trustee[],
  decryptions: readonly OwnedDecryption[],
  at: readonly [question: number, cell: number],
): Point | undefined {
  const given = new Map(
    decryptions.map(
      ({ owner, decryption }) => [owner, decryption.decryptionFactors[at[0]]?.[at[1]]] as const,
    ),
  );
  let owner = 0;
  const parts: Point[] = [];
  for (const trustee of trustees) {
    const size = trustee.kind === 'Single' ? 1 : trustee.parameters.verificationKeys.length;
    const needed = trustee.kind === 'Single' ? 1 : trustee.parameters.threshold;
    const before = owner;
    owner += size;
    const present = range(1, size)
      .flatMap((index) => {
        const factor = given.get(before + index);
        return factor === undefined ? [] : [{ index: BigInt(index), factor: decoded(factor) }];
      })
      .slice(0, needed);
    if (present.length < needed) return undefined;
    for (const { index, factor } of present) {
      const lambda = present
        .filter((other) => other.index !== index)
        .reduce((l, other) => modQ(l * other.index * Point.Fn.inv(modQ(other.index - index))), 1n);
      parts.push(trustee.kind === 'Single' ? factor : power(factor, lambda));
    }
  }
  return product(parts);
}

export const referenceCryptography: AuditCryptography = {
  verifyTrustees,

  ballotVerifier: (election, electionHash) => (claimed) => {
    const ballot = withElements(claimed);
    if (ballot === undefined) return err('not an element of the group');
    const verified = verifyBallot(election, electionHash, ballot);
    if (!verified.ok) return verified;
    return ok({ credential: ballot.credential, choices: ballot.answers.map(({ choices }) => choices) });
  },

  encryptedTally(election, ballots) {
    const all = [...ballots];
    const sum = (i: number, j: number, part: 'alpha' | 'beta'): Encoded =>
      encoded(
        product(
          all.map(({ choices, weight }) => {
            const cell = choices[i]?.[j];
            return cell === undefined ? Point.ZERO : power(decoded(cell[part]), weight);
          }),
        ),
      );
    return election.questions.map(({ answers, blank }, i) =>
      range(1, answers.length + (blank === true ? 1 : 0)).map((_, j) => ({
        alpha: sum(i, j, 'alpha'),
        beta: sum(i, j, 'beta'),
      })),
    );
  },

  verifyPartialDecryption(electionHash, key, tally, { decryptionFactors, decryptionProofs }) {
    const shape = (rows: readonly (readonly unknown[])[]): string => rows.map((row) => row.length).join();
    if (shape(decryptionFactors) !== shape(tally) || shape(decryptionProofs) !== shape(tally)) {
      return err('shape');
    }
    const x = decoded(key);
    const holds = tally.every((row, i) =>
      row.every(({ alpha }, j) => {
        const factor = decryptionFactors[i]?.[j];
        const proof = decryptionProofs[i]?.[j];
        if (factor === undefined || proof === undefined) return false;
        const a = text(commitment(g, x, proof));
        const b = text(commitment(decoded(alpha), decoded(factor), proof));
        return hash(`decrypt|${electionHash}|${text(x)}|${a},${b}`) === number(proof.challenge);
      }),
    );
    return check(holds, 'proof');
  },

  verifyResult(trustees, tally, decryptions, result) {
    if (result.length !== tally.length || result.some((row, i) => row.length !== tally[i]?.length)) {
      return err('shape');
    }
    const holds = tally.every((row, i) =>
      row.every(({ beta }, j) => {
        const factor = factorOf(trustees, decryptions, [i, j]);
        return (
          factor !== undefined &&
          decoded(beta)
            .subtract(factor)
            .equals(power(g, result[i]?.[j] ?? -1n))
        );
      }),
    );
    return check(holds, 'not what the decryptions give');
  },
};
