import type { CborCursor } from '../base/cbor-cursor.ts';
import { readAnswer, readAnswerCount, readOpenBody, readQuestionCount } from '../election/ballot-shape.ts';
import { type BallotFrame, readBallotFrame } from '../log/ballot-frame.ts';
import { packAnswer, packBlank, packEnd } from './votes.ts';

/** A ballot entry's parts; the byte strings are views of the entry. */
export interface BallotShape extends BallotFrame {
  /** SHA-256 digest in the round's CID. */
  readonly round: Uint8Array;
  readonly voter: Uint8Array;
  readonly number: number;
  /** As by `packChoices`. */
  readonly packed: string;
}

/**
 * Reads the entry of an open ballot in one pass, see `readBallotFrame` and `readOpenBody`.
 * Undefined for all other bytes, also where they may be some valid entry: the general decoder has the last word on them.
 * Whatever is read here, `decodeEntry` and `readBallot` read as well, and to the same values; a test holds this.
 */
export function readBallotShape(bytes: Uint8Array): BallotShape | undefined {
  const entry = readBallotFrame(bytes);
  if (entry === undefined) return undefined;
  const inner = readOpenBody(entry.body, packedChoices);
  if (inner === undefined) return undefined;
  const { seq, time, prev, body, signature } = entry;
  const { round, voter, number, choices: packed } = inner;
  return { seq, time, prev, round, body, signature, voter, number, packed };
}

function packedChoices(cursor: CborCursor): string {
  let packed = '';
  for (let questions = readQuestionCount(cursor); questions > 0; questions--) {
    const answers = readAnswerCount(cursor);
    if (answers === undefined) {
      packed += packBlank;
      continue;
    }
    for (let i = 0; i < answers; i++) packed += packAnswer(readAnswer(cursor));
    packed += packEnd;
  }
  return packed;
}
