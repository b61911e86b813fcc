import type { Result } from '../../../base/result.ts';
import type {
  EncryptedTally,
  PartialDecryption,
  Result as ElectionResult,
  SizedEncryptedTally,
} from '../messages.ts';
import { type Codec, type ReadingMode, integer, list, mapped, record } from './codec.ts';
import { decodeIn, decodeStrictly } from './decode.ts';
import { ciphertext, hash, point, proof } from './elements.ts';
import { type DecodeLimits, MESSAGE_LIMITS } from './limits.ts';
import { LARGEST_JSON_NUMBER, weight } from './numbers.ts';
import type { DecodeProblem } from './problem.ts';

const encryptedTally: Codec<EncryptedTally> = list(list(ciphertext));

/** The text of an encrypted tally (4.18), whose hash the sized tally has. */
export function encodeEncryptedTally(value: EncryptedTally): string {
  return encryptedTally.write(value);
}

/** Strict in any case: a tally is compared by the hash of its text. */
export function decodeEncryptedTally(
  source: string,
  limits: DecodeLimits = MESSAGE_LIMITS,
): Result<EncryptedTally, DecodeProblem> {
  return decodeStrictly(encryptedTally, source, limits);
}

const sizedEncryptedTally: Codec<SizedEncryptedTally> = record({
  num_tallied: integer(0, LARGEST_JSON_NUMBER),
  total_weight: weight,
  encrypted_tally: hash,
});

export function encodeSizedEncryptedTally(value: SizedEncryptedTally): string {
  return sizedEncryptedTally.write(value);
}

export function decodeSizedEncryptedTally(
  source: string,
  mode: ReadingMode = 'strict',
  limits: DecodeLimits = MESSAGE_LIMITS,
): Result<SizedEncryptedTally, DecodeProblem> {
  return decodeIn(mode, sizedEncryptedTally, source, limits);
}

const partialDecryption: Codec<PartialDecryption> = record({
  decryption_factors: list(list(point)),
  decryption_proofs: list(list(proof)),
});

/** The text of a partial decryption (4.20). */
export function encodePartialDecryption(value: PartialDecryption): string {
  return partialDecryption.write(value);
}

export function decodePartialDecryption(
  source: string,
  mode: ReadingMode = 'strict',
  limits: DecodeLimits = MESSAGE_LIMITS,
): Result<PartialDecryption, DecodeProblem> {
  return decodeIn(mode, partialDecryption, source, limits);
}

/** Who made a partial decryption, by the number in the flattened list of trustees, from 1 (4.20). */
export interface Owned {
  readonly owner: number;
  /** The name of the partial decryption. */
  readonly payload: string;
}

const owned: Codec<Owned> = record({ owner: integer(0, LARGEST_JSON_NUMBER), payload: hash });

export function encodeOwned(value: Owned): string {
  return owned.write(value);
}

export function decodeOwned(
  source: string,
  mode: ReadingMode = 'strict',
  limits: DecodeLimits = MESSAGE_LIMITS,
): Result<Owned, DecodeProblem> {
  return decodeIn(mode, owned, source, limits);
}

const result: Codec<ElectionResult> = mapped(
  record({ result: list(list(weight)) }),
  (value) => value.result,
  (value) => ({ result: value }),
);

/** The text of an election's result (4.21). */
export function encodeResult(value: ElectionResult): string {
  return result.write(value);
}

export function decodeResult(
  source: string,
  mode: ReadingMode = 'strict',
  limits: DecodeLimits = MESSAGE_LIMITS,
): Result<ElectionResult, DecodeProblem> {
  return decodeIn(mode, result, source, limits);
}
