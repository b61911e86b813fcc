import { CborCursor } from '../base/cbor-cursor.ts';
import { ARRAY, BYTES, TEXT, textItem } from '../base/cbor-head.ts';
import { CID_ITEM, cidFromDigest } from '../crypto/cid.ts';
import type { OpenBallot, SealedBallot } from './ballot.ts';
import type { Choice } from './choices.ts';
import type { SignedBallot } from './entries.ts';
import { MAX_ANSWERS, MAX_BALLOT_BYTES, MAX_BODY_BYTES, MAX_QUESTIONS } from './limits.ts';

/**
 * Ballots read by their shape, in one pass: without building values, encoding them again to see that they were canonical,
 * and holding them against a schema. The canonical DAG-CBOR form of an open ballot is a fixed frame around a few fields:
 *
 *   {body: bytes, signature: 64 bytes}
 *   body: {v: 1, form: "open", round: CID, voter: 32 bytes, number, choices: [null | [answer, …], …]}
 *
 * Undefined for all other bytes, also where they may be some valid ballot: the general decoder has the last word on them.
 * Whatever is read here, that one reads as well, and to the same values; tests hold this. Byte strings are views.
 */
export function readSignedShape(bytes: Uint8Array): SignedBallot | undefined {
  if (bytes.length > MAX_BALLOT_BYTES) return undefined;
  const cursor = new CborCursor(bytes);
  if (!cursor.skip(TO_BODY)) return undefined;
  const body = cursor.take(cursor.length(BYTES, MAX_BODY_BYTES));
  if (!cursor.skip(BODY_TO_SIGNATURE)) return undefined;
  const signature = cursor.take(64);
  return cursor.ended ? { body, signature } : undefined;
}

/** Reads the body of an open ballot; see `readSignedShape`. */
export function readOpenBallot(body: Uint8Array): OpenBallot | undefined {
  const shape = readOpenBody(body, readChoices);
  if (shape === undefined) return undefined;
  const { round, voter, number, choices } = shape;
  return { form: 'open', round: cidFromDigest(round), voter, number, choices };
}

/** Reads the body of a sealed ballot; see `readSignedShape`. The text is read strictly as UTF-8. */
export function readSealedBallot(body: Uint8Array): SealedBallot | undefined {
  const shape = readBody(body, SEALED, readText);
  if (shape === undefined) return undefined;
  const { round, voter, number, vote } = shape;
  if (vote.length === 0 || !isAscii(vote)) return undefined;
  return { form: 'sealed', round: cidFromDigest(round), voter, number, sealed: ascii.decode(vote) };
}

function readText(cursor: CborCursor): Uint8Array {
  return cursor.take(cursor.length(TEXT, MAX_BODY_BYTES));
}

/** What Belenios' ballots are made of; whatever else is in a text, the general decoder sees to it. */
function isAscii(bytes: Uint8Array): boolean {
  let bits = 0;
  for (const byte of bytes) bits |= byte;
  return bits < 0x80;
}

const ascii = new TextDecoder('latin1');

/** An open ballot's fields; `round` is the SHA-256 digest in the CID. */
export interface OpenBody<Choices> {
  readonly round: Uint8Array;
  readonly voter: Uint8Array;
  readonly number: number;
  readonly choices: Choices;
}

/** As `readOpenBallot`, with the choices in whatever form `choices` reads them to. */
export function readOpenBody<Choices>(
  body: Uint8Array,
  choices: (cursor: CborCursor) => Choices,
): OpenBody<Choices> | undefined {
  const shape = readBody(body, OPEN, choices);
  return shape && { round: shape.round, voter: shape.voter, number: shape.number, choices: shape.vote };
}

/** What all forms of a body have in common, around the vote itself, with which a body ends. */
function readBody<Vote>(
  body: Uint8Array,
  { toRound, toVote }: Frame,
  readVote: (cursor: CborCursor) => Vote,
): (Omit<OpenBody<never>, 'choices'> & { readonly vote: Vote }) | undefined {
  if (body.length > MAX_BODY_BYTES) return undefined;
  const cursor = new CborCursor(body);
  if (!cursor.skip(toRound)) return undefined;
  const round = cursor.take(32);
  if (!cursor.skip(ROUND_TO_VOTER)) return undefined;
  const voter = cursor.take(32);
  if (!cursor.skip(VOTER_TO_NUMBER)) return undefined;
  const number = cursor.uint(0xffff_ffff);
  if (number < 1 || !cursor.skip(toVote)) return undefined;
  const vote = readVote(cursor);
  return cursor.ended ? { round, voter, number, vote } : undefined;
}

/** How many questions the choices are for; they follow one by one. */
export function readQuestionCount(cursor: CborCursor): number {
  const count = cursor.length(ARRAY, MAX_QUESTIONS);
  return count === 0 ? cursor.fail() : count;
}

/** How many answers follow as the vote on the next question; undefined for a blank vote. */
export function readAnswerCount(cursor: CborCursor): number | undefined {
  return cursor.skip(NULL) ? undefined : cursor.length(ARRAY, MAX_ANSWERS);
}

/** The next answer's index. */
export function readAnswer(cursor: CborCursor): number {
  return cursor.uint(MAX_ANSWERS);
}

function readChoices(cursor: CborCursor): Choice[] {
  const choices: Choice[] = [];
  for (let questions = readQuestionCount(cursor); questions > 0; questions--) {
    const answers = readAnswerCount(cursor);
    choices.push(answers === undefined ? null : readAnswers(cursor, answers));
  }
  return choices;
}

function readAnswers(cursor: CborCursor, count: number): number[] {
  const answers: number[] = [];
  for (let i = 0; i < count; i++) answers.push(readAnswer(cursor));
  return answers;
}

const MAP_OF_6 = 0xa6;
const MAP_OF_2 = 0xa2;
const TO_BODY = Uint8Array.of(MAP_OF_2, ...textItem('body'));
const BODY_TO_SIGNATURE = Uint8Array.of(...textItem('signature'), 0x58, 64);
const ROUND_TO_VOTER = Uint8Array.of(...textItem('voter'), 0x58, 32);
const VOTER_TO_NUMBER = Uint8Array.from(textItem('number'));
const NULL = Uint8Array.of(0xf6);

/** What of a body's frame depends on its form. */
interface Frame {
  readonly toRound: Uint8Array;
  readonly toVote: Uint8Array;
}
const frameOf = (form: string, vote: string): Frame => ({
  toRound: Uint8Array.of(
    MAP_OF_6,
    ...textItem('v'),
    1,
    ...textItem('form'),
    ...textItem(form),
    ...textItem('round'),
    ...CID_ITEM,
  ),
  toVote: Uint8Array.from(textItem(vote)),
});
const OPEN = frameOf('open', 'choices');
const SEALED = frameOf('sealed', 'sealed');
