import type { Policy, Question } from './entries.ts';

/** What every ballot has beside its vote, generously: keys, link, signature, and the names of fields. */
const FRAME_BYTES = 512;

/** Open ballots: the longest answer index, and what a question adds besides. */
const CHOICE_BYTES = 3;
const QUESTION_BYTES = 8;

/**
 * Sealed ballots, in Belenios' text: a proof is two numbers of 76 digits with their names, a ciphertext two points of 64
 * hexadecimal digits. The frame has hash, credential and signature.
 */
const PROOF_BYTES = 186;
const CIPHERTEXT_BYTES = 156;
const SEALED_QUESTION_BYTES = 96;
const SEALED_FRAME_BYTES = 640;

/** A bound on the encoded size of a valid ballot on these questions: a longer one need not be decoded to be refused. */
export function maxBallotBytes(questions: readonly Question[], secrecy: Policy['secrecy']): number {
  return secrecy === 'open'
    ? questions.reduce((sum, { max }) => sum + QUESTION_BYTES + max * CHOICE_BYTES, FRAME_BYTES)
    : questions.reduce((sum, question) => sum + sealedBytes(question), FRAME_BYTES + SEALED_FRAME_BYTES);
}

/** Per answer a ciphertext with a proof for either value, and a proof for each number of answers that may be chosen. */
function sealedBytes({ answers, min, max, blank }: Question): number {
  const cells = answers.length + (blank ? 1 : 0);
  const proofs = 2 * cells + (max - min + 1) + (blank ? 3 : 0);
  return SEALED_QUESTION_BYTES + cells * CIPHERTEXT_BYTES + proofs * PROOF_BYTES;
}
