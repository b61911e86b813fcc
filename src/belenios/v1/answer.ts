import { type Result, err, ok } from '../../base/result.ts';
import {
  type ClaimedPoint,
  type Point,
  type Scalar,
  group,
  scalarFromBigInt,
} from '../../crypto/group/group.ts';
import { type Bit, isAmong, select, selectNumber } from '../../crypto/group/select.ts';
import { ciphertextText, encryptBit, sumCiphertexts } from './elgamal.ts';
import type { Answer, Ciphertext, Question } from './messages.ts';
import { type Claim, type Random, claimOfZero, claimText, isAnswered, proveOneOf } from './proofs.ts';

/** A vote on one question: indexes of the chosen answers, strictly increasing; null is a blank vote. */
export type Choice = readonly number[] | null;

/** A question with what its proofs are about, worked out once for all ballots. */
export interface PreparedQuestion {
  readonly question: Question;
  readonly hasBlank: boolean;
  /** Ciphertexts in an answer: with blank votes, one more than answers. */
  readonly cells: number;
  /** m·g for m = min … max; undefined for 0. */
  readonly sums: readonly (Point | undefined)[];
}

export function prepareQuestion(question: Question): PreparedQuestion {
  const hasBlank = question.blank === true;
  return {
    question,
    hasBlank,
    cells: question.answers.length + (hasBlank ? 1 : 0),
    sums: Array.from({ length: Math.max(0, question.max - question.min + 1) }, (_, i) =>
      question.min + i === 0 ? undefined : group.multiplyBase(scalarFromBigInt(BigInt(question.min + i))),
    ),
  };
}

/** Who votes, and on what, as every proof names it: φ|credential (4.11). */
export type Context = string;

/** The encrypted answer, with the randomness of each cell: whoever has it can tell what was encrypted. */
export interface SealedAnswer {
  readonly answer: Answer;
  readonly randomness: readonly Scalar[];
}

/**
 * Encrypts a vote and proves that it is valid (4.11.1). Throws RangeError for a choice that is no valid vote on the question:
 * no proof could be made.
 */
export function sealAnswer(
  y: Point,
  prepared: PreparedQuestion,
  context: Context,
  choice: Choice,
  random: Random,
): SealedAnswer {
  const bits = bitsOf(prepared, choice);
  const randomness = bits.map(() => group.randomScalar(random));
  const choices = bits.map((bit, cell) => encryptBit(y, bit, randomness[cell] as Scalar));
  const individualProofs = choices.map((ciphertext, cell) =>
    proveOneOf(
      y,
      bitClaims(ciphertext),
      bits[cell] as Bit,
      randomness[cell] as Scalar,
      (commitments) => `prove|${context}|${ciphertextText(ciphertext)}|${commitments}`,
      random,
    ),
  );
  const statement = statementOf(context, choices);
  const { sum, sumClaims } = summed(prepared, choices);
  const r = group.sumScalars(randomness.slice(prepared.hasBlank ? 1 : 0));
  const place = (choice?.length ?? 0) - prepared.question.min;
  if (!prepared.hasBlank) {
    const hashed = (commitments: string) => `prove|${statement}|${ciphertextText(sum)}|${commitments}`;
    const overallProof = proveOneOf(y, sumClaims, place, r, hashed, random);
    return { answer: { choices, individualProofs, overallProof }, randomness };
  }
  const [first] = choices;
  const [r0] = randomness;
  if (first === undefined || r0 === undefined)
    throw new Error('a question with blank votes and no cell for them');
  const isBlank = bits[0] as Bit;
  const blankProof = proveOneOf(
    y,
    blankClaims(first, sum),
    isBlank,
    select(isBlank, r0, r),
    (commitments) => `bproof0|${statement}|${commitments}`,
    random,
  );
  const overallProof = proveOneOf(
    y,
    [{ ciphertext: first, message: group.generator }, ...sumClaims],
    selectNumber(isBlank, place + 1, 0),
    select(isBlank, r, r0),
    (commitments) => `bproof1|${statement}|${commitments}`,
    random,
  );
  return { answer: { choices, individualProofs, overallProof, blankProof }, randomness };
}

/** The ciphertexts that a choice and its randomness give: an auditor compares them with the ballot's. */
export function recomputeChoices(
  y: Point,
  prepared: PreparedQuestion,
  choice: Choice,
  randomness: readonly Scalar[],
): readonly Ciphertext[] {
  return bitsOf(prepared, choice).map((bit, cell) => encryptBit(y, bit, randomness[cell] ?? group.zero));
}

/**
 * Whether an answer has the question's shape, its ciphertexts are of group elements, and its proofs hold (4.11.1, 4.12, 4.13.3):
 * its ciphertexts then, else the error names the first that doesn't.
 */
export function verifyAnswer(
  y: Point,
  prepared: PreparedQuestion,
  context: Context,
  answer: Answer<ClaimedPoint>,
): Result<readonly Ciphertext[], string> {
  const { choices: claimed, individualProofs, overallProof, blankProof } = answer;
  const { cells, hasBlank, sums } = prepared;
  if (claimed.length !== cells) return err(`it has ${claimed.length} ciphertexts, where ${cells} are due`);
  if (individualProofs.length !== cells)
    return err(`it has ${individualProofs.length} individual proofs, where ${cells} are due`);
  if ((blankProof !== undefined) !== hasBlank)
    return err(hasBlank ? 'its blank_proof is missing' : 'it has a blank_proof, and no vote may be blank');
  const due = sums.length + (hasBlank ? 1 : 0);
  if (sums.length === 0 || overallProof.length !== due)
    return err(`its overall proof has ${overallProof.length} parts, where ${due} are due`);

  const choices: Ciphertext[] = [];
  for (const [cell, pair] of claimed.entries()) {
    const proofs = individualProofs[cell] ?? [];
    const [ofZero, ofOne] = proofs;
    if (ofZero === undefined || ofOne === undefined || proofs.length !== 2)
      return err(`the proof of its cell ${cell + 1} has ${proofs.length} parts, where 2 are due`);
    const zero = claimOfZero(y, pair, ofZero);
    if (zero === undefined) return err(`its cell ${cell + 1} is not made of elements of the group`);
    const { ciphertext } = zero;
    const texts = `${zero.text},${claimText(y, { ciphertext, message: group.generator }, ofOne)}`;
    if (!isAnswered(`prove|${context}|${ciphertextText(ciphertext)}|${texts}`, proofs))
      return err(`the proof that its cell ${cell + 1} is 0 or 1 does not hold`);
    choices.push(ciphertext);
  }

  const statement = statementOf(context, choices);
  const { sum, sumClaims } = summed(prepared, choices);
  if (blankProof === undefined) {
    const text = claimTexts(y, sumClaims, overallProof);
    return isAnswered(`prove|${statement}|${ciphertextText(sum)}|${text}`, overallProof)
      ? ok(choices)
      : err('its overall proof does not hold');
  }
  const [first] = choices;
  if (first === undefined) return err('it has no ciphertext');
  if (blankProof.length !== 2) return err(`its blank_proof has ${blankProof.length} parts, where 2 are due`);
  if (!isAnswered(`bproof0|${statement}|${claimTexts(y, blankClaims(first, sum), blankProof)}`, blankProof))
    return err('its blank_proof does not hold');
  const claims = [{ ciphertext: first, message: group.generator }, ...sumClaims];
  return isAnswered(`bproof1|${statement}|${claimTexts(y, claims, overallProof)}`, overallProof)
    ? ok(choices)
    : err('its overall proof does not hold');
}

/**
 * What each cell encrypts. Which answers are chosen decides over no branch and no index from here on; how many, and whether the vote is
 * blank, is in the shape of `choice` itself, and shows in the time of this function: some nanoseconds.
 */
function bitsOf({ question, hasBlank }: PreparedQuestion, choice: Choice): Bit[] {
  const { answers, min, max } = question;
  const chosen = choice ?? [];
  const fits =
    choice === null
      ? hasBlank
      : new Set(choice).size === choice.length &&
        choice.every((index) => Number.isInteger(index) && index >= 0 && index < answers.length) &&
        choice.length >= min &&
        choice.length <= max;
  if (!fits) throw new RangeError('not a valid vote on this question');
  const bits = answers.map((_, index) => isAmong(index, chosen));
  return hasBlank ? [choice === null ? 1 : 0, ...bits] : bits;
}

function bitClaims(ciphertext: Ciphertext): readonly Claim[] {
  return [
    { ciphertext, message: undefined },
    { ciphertext, message: group.generator },
  ];
}

/** m₀ = 0 or mΣ = 0 (4.13) */
function blankClaims(first: Ciphertext, sum: Ciphertext): readonly Claim[] {
  return [
    { ciphertext: first, message: undefined },
    { ciphertext: sum, message: undefined },
  ];
}

function summed({ hasBlank, sums }: PreparedQuestion, choices: readonly Ciphertext[]) {
  const sum = sumCiphertexts(choices.slice(hasBlank ? 1 : 0));
  return { sum, sumClaims: sums.map((message): Claim => ({ ciphertext: sum, message })) };
}

/** S (4.11.1) */
function statementOf(context: Context, choices: readonly Ciphertext[]): string {
  return `${context}|${choices.map(ciphertextText).join(',')}`;
}

function claimTexts(y: Point, claims: readonly Claim[], proofs: Answer['overallProof']): string {
  return proofs.map((proof, at) => claimText(y, claims[at] as Claim, proof)).join(',');
}
