import * as z from 'zod';
import { unusable } from '../base/errors.ts';
import { parseJson } from '../base/json.ts';
import { type Result, err, ok } from '../base/result.ts';
import { secretFromDecimal, secretToDecimal } from '../belenios/v1/encoding/secret-decimal.ts';
import type { Scalar } from '../crypto/group/group.ts';
import type { Choice } from '../election/choices.ts';
import { MAX_ANSWERS, MAX_BALLOT_BYTES, MAX_BODY_BYTES, MAX_QUESTIONS } from '../election/limits.ts';
import { firstIssue } from '../election/schemas.ts';
import { writeSecretFile } from './files.ts';
import { readSmallFile } from './small-file.ts';

/**
 * A sealed ballot that is opened for whoever wants to check how it was encrypted, and must never be cast: the file tells what it
 * encrypts. It lacks the voter's signature that a ballot needs to be cast.
 */
export interface OpenedBallot {
  readonly electionId: string;
  readonly round: number;
  /** As it was shown before the voter decided to check this ballot. */
  readonly tracker: string;
  /** The protocol's own text. */
  readonly sealed: string;
  readonly choices: readonly Choice[];
  /** What the choices were encrypted with, per question and ciphertext. */
  readonly randomness: readonly (readonly Scalar[])[];
}

/** With blank votes there is one ciphertext more than answers. */
const MAX_CELLS = MAX_ANSWERS + 1;
/** The sealed text, in which every character may need a backslash, and less than as much again for what opens it. */
const MAX_FILE_BYTES = 3 * MAX_BALLOT_BYTES;
const MAX_DEPTH = 4;

const schema = z.strictObject({
  psephos: z.literal('opened-ballot'),
  version: z.literal(1),
  electionId: z.string().min(1).max(200),
  round: z.int().min(1),
  tracker: z.string().regex(/^[A-Za-z0-9+/]{43}$/, 'not a ballot tracker'),
  sealed: z.string().min(1).max(MAX_BODY_BYTES),
  choices: z
    .array(
      z
        .array(
          z
            .int()
            .min(0)
            .max(MAX_ANSWERS - 1),
        )
        .max(MAX_ANSWERS)
        .nullable(),
    )
    .max(MAX_QUESTIONS),
  randomness: z.array(z.array(z.string().max(80)).max(MAX_CELLS)).max(MAX_QUESTIONS),
});

/** Writes an opened ballot for its owner alone to read; never in place of another file. Throws the file system's refusal. */
export async function writeOpenedBallot(path: string, opened: OpenedBallot): Promise<void> {
  await writeSecretFile(path, encodeOpenedBallot(opened));
}

/** Reads one. Throws `not-an-opened-ballot`, which says why, or the file system's refusal. */
export async function readOpenedBallot(path: string): Promise<OpenedBallot> {
  const text = await readSmallFile(path, MAX_FILE_BYTES);
  const decoded = text === undefined ? err('too large, or no text') : decodeOpenedBallot(text);
  if (decoded.ok) return decoded.value;
  throw unusable('not-an-opened-ballot', `${path} can't be read as an opened ballot: ${decoded.error}.`, {
    hint: "It must be the file that the voter's program wrote to have the encryption checked, unchanged.",
  });
}

function encodeOpenedBallot({
  electionId,
  round,
  tracker,
  sealed,
  choices,
  randomness,
}: OpenedBallot): string {
  const content = {
    psephos: 'opened-ballot',
    version: 1,
    electionId,
    round,
    tracker,
    sealed,
    choices,
    randomness: randomness.map((cells) => cells.map(secretToDecimal)),
  };
  return `${JSON.stringify(content, null, 2)}\n`;
}

function decodeOpenedBallot(text: string): Result<OpenedBallot, string> {
  // Stricter than JSON.parse: a field that is there twice means different things to different readers.
  const json = parseJson(text, MAX_DEPTH);
  if (!json.ok) return json;
  const parsed = schema.safeParse(json.value);
  if (!parsed.success) return err(firstIssue(parsed.error));
  const { electionId, round, tracker, sealed, choices } = parsed.data;
  const randomness: Scalar[][] = [];
  for (const [index, cells] of parsed.data.randomness.entries()) {
    const scalars = cells.map(secretFromDecimal).filter((scalar) => scalar !== undefined);
    if (scalars.length < cells.length)
      return err(`randomness.${index}: not numbers below the group's order, in decimal digits`);
    randomness.push(scalars);
  }
  return ok({ electionId, round, tracker, sealed, choices, randomness });
}
