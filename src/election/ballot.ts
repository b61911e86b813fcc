import type { CID } from 'multiformats/cid';
import { toBase64 } from '../base/bytes.ts';
import { decodeDagCbor, encodeDagCbor } from '../base/dag-cbor.ts';
import { type Result, err, ok } from '../base/result.ts';
import { sha256 } from '../crypto/hash.ts';
import { publicKeyOf, sign } from '../crypto/signature.ts';
import { ballotMessage } from '../crypto/transcript.ts';
import { readOpenBallot, readSignedShape } from './ballot-shape.ts';
import type { Question, SignedBallot } from './entries.ts';
import { MAX_BALLOT_BYTES, MAX_BODY_BYTES } from './limits.ts';
import type { Refusal } from './refusal.ts';
import { ballotBodySchema, firstIssue, signedBallotSchema } from './schemas.ts';

/** A vote on one question: the chosen answers' indexes, strictly increasing; null is a blank vote. */
export type Choice = readonly number[] | null;

/**
 * What a voter signs. The round's CID binds the ballot to that round's exact questions and, through the chain behind
 * it, to the election and its roll. `number` counts a voter's ballots in the round from 1 without gaps, so that an old
 * ballot can't be played again after a later one.
 */
export interface OpenBallot {
  readonly form: 'open';
  readonly round: CID;
  readonly voter: Uint8Array;
  readonly number: number;
  readonly choices: readonly Choice[];
}

/** Every form a ballot may have; a switch over `form` is exhaustive. */
export type Ballot = OpenBallot;

const BALLOT_VERSION = 1;

/** Builds and signs a ballot with the voter's 32-byte Ed25519 seed. */
export function signBallot(ballot: Omit<Ballot, 'voter'>, seed: Uint8Array): SignedBallot {
  const body = encodeDagCbor({ v: BALLOT_VERSION, ...ballot, voter: publicKeyOf(seed) });
  return { body, signature: sign(ballotMessage(body), seed) };
}

/** The bytes that travel and that a tracker names: DAG-CBOR of `{body, signature}`. */
export function encodeSignedBallot(ballot: SignedBallot): Uint8Array {
  return encodeDagCbor(ballot);
}

/** Reads what `encodeSignedBallot` wrote; one byte string, one ballot. Its parts may be views of `bytes`. */
export function decodeSignedBallot(bytes: Uint8Array): Result<SignedBallot, Refusal> {
  if (bytes.length > MAX_BALLOT_BYTES) {
    return err({
      code: 'too-large',
      message: `The ballot has ${bytes.length} bytes; at most ${MAX_BALLOT_BYTES} are accepted.`,
    });
  }
  const shape = readSignedShape(bytes);
  if (shape !== undefined) return ok(shape);
  const decoded = decodeDagCbor(bytes, MAX_BALLOT_BYTES);
  if (!decoded.ok) return malformed(decoded.error);
  const parsed = signedBallotSchema.safeParse(decoded.value);
  return parsed.success ? ok(parsed.data) : malformed(firstIssue(parsed.error));
}

/** Reads the signed body. Says nothing of the signature, or of the round: see `rules.ts`. */
export function readBallot(signed: SignedBallot): Result<Ballot, Refusal> {
  const open = readOpenBallot(signed.body);
  if (open !== undefined) return ok(open);
  const decoded = decodeDagCbor(signed.body, MAX_BODY_BYTES);
  if (!decoded.ok) return malformed(decoded.error);
  const parsed = ballotBodySchema.safeParse(decoded.value);
  if (!parsed.success) return malformed(firstIssue(parsed.error));
  const { round, voter, number, form, choices } = parsed.data;
  return ok({ form, round, voter, number, choices });
}

/** What every ballot has beside its choices, generously: keys, link, signature, and the names of fields. */
const BALLOT_FRAME_BYTES = 512;
/** The longest answer index, and what a question adds besides. */
const CHOICE_BYTES = 3;
const QUESTION_BYTES = 8;

/** A bound on the encoded size of a valid ballot on these questions: a longer one need not be decoded to be refused. */
export function maxBallotBytes(questions: readonly Question[]): number {
  return questions.reduce((sum, { max }) => sum + QUESTION_BYTES + max * CHOICE_BYTES, BALLOT_FRAME_BYTES);
}

function malformed(why: string): { readonly ok: false; readonly error: Refusal } {
  return err({ code: 'malformed', message: `The ballot can't be read: ${why}.` });
}

/**
 * A ballot's public name: standard base64, without padding, of the SHA-256 of its encoded bytes (the form of Belenios'
 * smart ballot tracker).
 */
export function trackerOf(encodedBallot: Uint8Array): string {
  return toBase64(sha256(encodedBallot)).replace(/=+$/, '');
}

/** Every reason why choices are not a valid vote on these questions; empty when they are. */
export function choiceProblems(choices: readonly Choice[], questions: readonly Question[]): string[] {
  if (choices.length !== questions.length) {
    return [`${choices.length} answered questions where the round has ${questions.length}`];
  }
  return questions.flatMap((question, index) => {
    const found = choiceProblem(choices[index] as Choice, question);
    return found === undefined ? [] : [`question ${index + 1}: ${found}`];
  });
}

function choiceProblem(choice: Choice, question: Question): string | undefined {
  if (choice === null) return question.blank ? undefined : 'a blank vote is not allowed';
  for (const [i, answer] of choice.entries()) {
    if (answer >= question.answers.length) return `there is no answer number ${answer + 1}`;
    if (i > 0 && answer <= (choice[i - 1] as number))
      return 'the answers are not in strictly increasing order';
  }
  if (choice.length < question.min) return `${choice.length} chosen, at least ${question.min} needed`;
  if (choice.length > question.max) return `${choice.length} chosen, at most ${question.max} allowed`;
  return undefined;
}
