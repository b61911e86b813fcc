import type { Result } from '../../../base/result.ts';
import { type Election, GROUP_NAME, PROTOCOL_VERSION, type Question } from '../messages.ts';
import { type Codec, type Reading, flag, integer, list, mapped, optional, record, text } from './codec.ts';
import { decodeAsItStands } from './decode.ts';
import { point, uuid } from './elements.ts';
import { type DecodeLimits, MESSAGE_LIMITS } from './limits.ts';
import { LARGEST_JSON_NUMBER } from './numbers.ts';
import type { DecodeProblem } from './problem.ts';

/** An overall proof has a part for each sum that a question allows. */
const MOST_SUMS = 1000;

const homomorphic = record({
  answers: list(text),
  blank: optional(flag),
  min: integer(0, LARGEST_JSON_NUMBER),
  max: integer(0, LARGEST_JSON_NUMBER),
  question: text,
});

const question: Codec<Question> = {
  read(value, at) {
    if (typeof value === 'object' && value !== null && Object.hasOwn(value, 'type')) {
      return at.fail('only homomorphic questions are supported, not those with a "type"', 'unsupported');
    }
    const read = homomorphic.read(value, at);
    if (read.min > read.max) return at.fail(`at least ${read.min} and at most ${read.max} is impossible`);
    return read.max - read.min < MOST_SUMS
      ? read
      : at.fail(`more than ${MOST_SUMS} numbers of selections are allowed`, 'unsupported');
  },
  write: (value) => homomorphic.write(value),
};

/** In all questions: answers, and numbers of selections that are allowed. Each costs a reader a multiplication, and each ballot several. */
const MOST_PARTS = 20_000;

const questions: Codec<readonly Question[]> = {
  read(value, at) {
    const read = list(question).read(value, at);
    const parts = read.reduce((sum, { answers, min, max }) => sum + answers.length + max - min + 1, 0);
    return parts <= MOST_PARTS
      ? read
      : at.fail(`${parts} answers and numbers of selections, more than ${MOST_PARTS}`, 'unsupported');
  },
  write: (value) => list(question).write(value),
};

/** A value that has to be one and the same. */
function constant<T>(codec: Codec<T>, expected: T): Codec<T> {
  const check = (value: T, at: Reading) =>
    value === expected ? value : at.fail(`only ${codec.write(expected)} is supported`, 'unsupported');
  return mapped(codec, check, (value) => value);
}

const fields = record({
  version: constant(integer(0, LARGEST_JSON_NUMBER), PROTOCOL_VERSION),
  description: text,
  name: text,
  group: constant(text, GROUP_NAME),
  public_key: point,
  questions,
  uuid,
  administrator: optional(text),
  credential_authority: optional(text),
});

const election: Codec<Election> = mapped(
  fields,
  ({ description, name, publicKey, questions, uuid, administrator, credentialAuthority }) => ({
    description,
    name,
    publicKey,
    questions,
    uuid,
    ...(administrator === undefined ? {} : { administrator }),
    ...(credentialAuthority === undefined ? {} : { credentialAuthority }),
  }),
  (value) => ({ version: PROTOCOL_VERSION, group: GROUP_NAME, ...value }),
);

/** A new election's text (4.10). From then on the text counts, and is never written again. */
export function encodeElection(value: Election): string {
  return election.write(value);
}

/**
 * Reads an election's text as it stands: ballots are made for the hash of its bytes, so any layout means what it says.
 * Questions other than homomorphic ones, other groups and other versions are `unsupported`.
 */
export function decodeElection(
  source: string,
  limits: DecodeLimits = MESSAGE_LIMITS,
): Result<Election, DecodeProblem> {
  return decodeAsItStands(election, source, limits);
}
