import { type Result, err, ok } from '../../base/result.ts';
import { type ClaimedPoint, type Point, type Scalar, group } from '../../crypto/group/group.ts';
import { equalBytes } from '../../base/bytes.ts';
import { type Choice, type PreparedQuestion, prepareQuestion, sealAnswer, verifyAnswer } from './answer.ts';
import { encodeUnsignedBallot } from './encoding/ballot.ts';
import { pointText } from './encoding/elements.ts';
import { compactHash } from './encoding/hashes.ts';
import type { Ballot, Ciphertext, Election } from './messages.ts';
import { type Random, challengeOf, claimedCommitment, proofFor } from './proofs.ts';

/** An election as ballots need it, worked out once. */
export interface BallotContext {
  readonly uuid: string;
  /** φ (4.10) */
  readonly electionHash: string;
  readonly publicKey: Point;
  readonly questions: readonly PreparedQuestion[];
}

export function ballotContext(election: Election, electionHash: string): BallotContext {
  return {
    uuid: election.uuid,
    electionHash,
    publicKey: election.publicKey,
    questions: election.questions.map(prepareQuestion),
  };
}

/** A ballot, and per question the randomness of its cells, to be forgotten or shown to an auditor instead of being cast. */
export interface Sealing {
  readonly ballot: Ballot;
  readonly randomness: readonly (readonly Scalar[])[];
}

/**
 * Encrypts, proves and signs a vote (4.11, 4.16, 4.17): one choice a question. Throws RangeError for choices that are no valid
 * vote.
 */
export function sealBallot(
  context: BallotContext,
  secret: Scalar,
  choices: readonly Choice[],
  random: Random,
): Sealing {
  const { questions, publicKey, electionHash, uuid } = context;
  if (choices.length !== questions.length)
    throw new RangeError(`${choices.length} choices for ${questions.length} questions`);
  const credential = group.multiplyBase(secret);
  const owner = ownerOf(context, credential);
  const sealed = questions.map((question, index) =>
    sealAnswer(publicKey, question, owner, choices[index] as Choice, random),
  );
  const unsigned = {
    electionUuid: uuid,
    electionHash,
    credential,
    answers: sealed.map(({ answer }) => answer),
  };
  const hash = compactHash(encodeUnsignedBallot(unsigned));
  const w = group.randomScalar(random);
  const challenge = challengeOf(`sig|${hash}|${pointText(group.multiplyBase(w))}`);
  return {
    ballot: { ...unsigned, signature: { hash, proof: proofFor(w, secret, challenge) } },
    randomness: sealed.map(({ randomness }) => randomness),
  };
}

/** The part of a verified ballot that counts: all its points are elements of the group. */
export interface VerifiedBallot {
  readonly credential: Point;
  /** Per question. */
  readonly choices: readonly (readonly Ciphertext[])[];
}

/**
 * Whether a ballot is for this election, its signature is its credential's and every proof holds (4.11 to 4.17), and its points are
 * elements of the group: each is multiplied for its proof, which shows it. That the signed hash is
 * that of the ballot's text is the caller's to see, who has the text. The error says what is wrong with which question.
 */
export function verifyBallot(
  context: BallotContext,
  ballot: Ballot<ClaimedPoint>,
): Result<VerifiedBallot, string> {
  const { hash, proof } = ballot.signature;
  const { answers } = ballot;
  if (ballot.electionUuid !== context.uuid || ballot.electionHash !== context.electionHash)
    return err('the ballot is for another election');
  if (answers.length !== context.questions.length)
    return err(`the ballot answers ${answers.length} questions of ${context.questions.length}`);
  const signing = claimedCommitment(group.generator, ballot.credential, proof);
  if (signing === undefined) return err("the ballot's credential is not an element of the group");
  const { element: credential, committed } = signing;
  if (!equalBytes(challengeOf(`sig|${hash}|${pointText(committed)}`), proof.challenge))
    return err("the ballot's signature does not hold");
  const owner = ownerOf(context, credential);
  const choices: (readonly Ciphertext[])[] = [];
  for (const [index, question] of context.questions.entries()) {
    const answer = answers[index];
    if (answer === undefined) return err(`the answer to question ${index + 1} is missing`);
    const verified = verifyAnswer(context.publicKey, question, owner, answer);
    if (!verified.ok) return err(`the answer to question ${index + 1}: ${verified.error}`);
    choices.push(verified.value);
  }
  return ok({ credential, choices });
}

/** S₀ (4.11) */
function ownerOf({ electionHash }: BallotContext, credential: Point): string {
  return `${electionHash}|${pointText(credential)}`;
}
